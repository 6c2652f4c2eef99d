package chat

import (
	"fmt"
	"os"
	"strings"
	"testing"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
)

func TestTheReadmeShowsTheTableOfRights(t *testing.T) {
	var want strings.Builder
	kinds := []chatv1.RoomKind{group, open, channel, direct}
	want.WriteString("| who may | group | open | channel | direct |\n|---|---|---|---|---|\n")
	for r := range rightsEnd {
		fmt.Fprintf(&want, "| %s |", r)
		for _, kind := range kinds {
			fmt.Fprintf(&want, " %s |", placesOf(table[r][kind]))
		}
		want.WriteString("\n")
	}
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(readme), want.String()) {
		t.Errorf("README.md does not have this table:\n%s", &want)
	}
}

func placesOf(w who) string {
	var names []string
	for p := range placesEnd {
		if w&(1<<p) != 0 {
			names = append(names, p.String())
		}
	}
	return strings.Join(names, ", ")
}
