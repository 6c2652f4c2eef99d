package rpc

import (
	"regexp"
	"strings"
)

// step is a command of the documentation, and the answer that it shows, empty if it shows none.
type step struct {
	command, answer string
}

// block is a fenced part of a Markdown file: its language and what stands in it.
var block = regexp.MustCompile("(?ms)^```(\\w+)\n(.*?)^```$")

// steps are the commands (sh) of a Markdown file in their order. An answer (json) belongs to the command before it.
func steps(markdown string) (list []step) {
	for _, match := range block.FindAllStringSubmatch(markdown, -1) {
		switch text := strings.TrimSpace(match[2]); match[1] {
		case "sh":
			list = append(list, step{command: text})
		case "json":
			if len(list) > 0 && list[len(list)-1].answer == "" {
				list[len(list)-1].answer = text
			}
		}
	}
	return list
}

// called finds the methods that a command calls.
var called = regexp.MustCompile(`\$CHAT/(\w+)`)
