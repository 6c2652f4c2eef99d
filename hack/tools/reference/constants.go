package main

import (
	"fmt"
	"strings"
)

// constants writes a table of the constants whose name has the prefix.
func (w *writer) constants(title, prefix, head string) {
	fmt.Fprintf(w, "## %s\n\n| %s |\n|---|---|\n", title, head)
	for _, c := range w.source.constants {
		if strings.HasPrefix(c.name, prefix) {
			fmt.Fprintf(w, "| `%s` | %s |\n", c.value, w.text(c))
		}
	}
	fmt.Fprintln(w)
}

// reasons writes the table of the reasons. Their comments end with the condition types, in parentheses.
func (w *writer) reasons() {
	fmt.Fprintf(w, "## Reasons\n\n| Reason | Of conditions | Meaning |\n|---|---|---|\n")
	for _, c := range w.source.constants {
		if !strings.HasPrefix(c.name, "Reason") {
			continue
		}
		text := w.text(c)
		at := strings.LastIndex(text, " (")
		if at < 0 || !strings.HasSuffix(text, ").") {
			w.err = fmt.Errorf("the comment of %s doesn't end with its condition types, such as (Ready, Degraded)", c.name)
			return
		}
		fmt.Fprintf(w, "| `%s` | %s | %s |\n", c.value, strings.TrimSuffix(text[at+2:], ")."), text[:at]+".")
	}
	fmt.Fprintln(w)
}

// text is what a constant's comment says after its name.
func (w *writer) text(c constant) string {
	text, found := strings.CutPrefix(c.text, c.name)
	if !found {
		w.err = fmt.Errorf("the comment of %s doesn't begin with its name", c.name)
	}
	return sentence(strings.TrimPrefix(strings.TrimPrefix(text, ":"), " "))
}

// sentence begins with a capital, unless the first word is a path such as spec.paused.
func sentence(text string) string {
	word, _, _ := strings.Cut(text, " ")
	if text == "" || strings.Contains(word, ".") {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:]
}
