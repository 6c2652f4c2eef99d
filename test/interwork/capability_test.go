package interwork

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// capability is a row of the table of what each protocol can do, in chatnode/gateway/README.md.
type capability struct {
	name                                         string
	native, heimdallr, pull, push, comet, chat21 cell
}

// columns are the table's.
var columns = []struct {
	name string
	of   func(c *capability) cell
}{
	{"native", func(c *capability) cell { return c.native }},
	{"heimdallr", func(c *capability) cell { return c.heimdallr }},
	{"distributed-chat", func(c *capability) cell { return c.pull }},
	{"cHaTTP", func(c *capability) cell { return c.push }},
	{"CppComet", func(c *capability) cell { return c.comet }},
	{"chat21", func(c *capability) cell { return c.chat21 }},
}

// cell shows on a node that a protocol can do something, or that it has no way to.
type cell struct {
	possible bool
	show     func(s *stage)
}

func can(show func(s *stage)) cell    { return cell{true, show} }
func cannot(show func(s *stage)) cell { return cell{false, show} }

var capabilities = []capability{
	identity, rooms, directConversations, sendText, sendMore, acknowledged, retries, ownMessages, changes, history, missed, receipts, typing,
	presence, draining, numbers,
}

func TestEveryProtocolCanDoWhatTheDocumentationSays(t *testing.T) {
	n := start(t)
	t.Run("cells", func(t *testing.T) { // which are all over before the node ends
		for i := range capabilities {
			c := &capabilities[i]
			for _, column := range columns {
				t.Run(c.name+"/"+column.name, func(t *testing.T) {
					t.Parallel()
					column.of(c).show(n.on(t))
				})
			}
		}
	})
}

// The documentation has the same table: the same rows and columns, and "–" where this one shows that there is no way.
func TestTheDocumentedTableIsTheTestedOne(t *testing.T) {
	documented := readTable(t)
	head := []string{""}
	for _, column := range columns {
		head = append(head, column.name)
	}
	if !slices.Equal(documented[0], head) {
		t.Fatalf("the columns are %q, not %q", documented[0], head)
	}
	rows := documented[2:]
	for i := range capabilities {
		c := &capabilities[i]
		if i >= len(rows) || rows[i][0] != c.name {
			t.Fatalf("row %d is not documented as %q", i, c.name)
		}
		for j, column := range columns {
			words := rows[i][j+1]
			if possible := !strings.HasPrefix(words, "–"); possible != column.of(c).possible {
				t.Errorf("%s in %s is documented as %q, and tested otherwise", c.name, column.name, words)
			}
		}
	}
	if len(rows) != len(capabilities) {
		t.Errorf("%d rows are documented, and %d tested", len(rows), len(capabilities))
	}
}

// readTable reads the lines of the documented table, each as the words in its cells.
func readTable(t *testing.T) (lines [][]string) {
	t.Helper()
	page, err := os.ReadFile("../../chatnode/gateway/README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(page), "\n## What each protocol can do\n")
	for line := range strings.Lines(section) {
		switch line = strings.TrimSpace(line); {
		case strings.HasPrefix(line, "|"):
			words := strings.Split(strings.Trim(line, "|"), "|")
			for i := range words {
				words[i] = strings.TrimSpace(words[i])
			}
			lines = append(lines, words)
		case len(lines) > 0:
			return lines
		}
	}
	t.Fatal("the documentation has no table")
	return nil
}
