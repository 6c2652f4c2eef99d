package main

import (
	"flag"
	"fmt"
	"io"
	"strings"
)

const helpHead = `chatnode serves chat: every message is on disk before its sender is told so, and every client resumes on any node.

  chatnode --dev                    try it: open http://127.0.0.1:8080 in two windows
  chatnode --nats-url nats://…:4222 take part in a fleet over NATS JetStream
  chatnode check --from http://…    send a message through a fleet; chatnode check --help

Each flag can also be given in the environment: --data-dir as CHATNODE_DATA_DIR. The command line goes first.
`

// helpWidth is the width at which explanations are wrapped, in columns.
const helpWidth = 100

// printHelp writes the head and all flags.
func printHelp(w io.Writer, head string, f *flag.FlagSet, sections []section) {
	fmt.Fprint(w, head)
	for _, s := range sections {
		fmt.Fprintf(w, "\n%s\n", s.title)
		for _, name := range s.flags {
			fl := f.Lookup(name)
			value, usage := flag.UnquoteUsage(fl)
			line := "  --" + name
			if value != "" {
				line += " " + value
			}
			switch fl.DefValue {
			case "", "0", "false":
			default:
				line += "  (" + fl.DefValue + ")"
			}
			fmt.Fprintln(w, line)
			for _, row := range wrap(usage, helpWidth-8) {
				fmt.Fprintln(w, "        "+row)
			}
		}
	}
}

func wrap(text string, width int) (rows []string) {
	row := ""
	for _, word := range strings.Fields(text) {
		if row != "" && len(row)+1+len(word) > width {
			rows = append(rows, row)
			row = ""
		}
		row = strings.TrimSpace(row + " " + word)
	}
	return append(rows, row)
}
