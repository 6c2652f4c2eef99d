package layout

import (
	"slices"
	"strings"
	"testing"
)

// covers says whether a subject of NATS permissions lets that subject through.
func covers(allowed, subject string) bool {
	a, s := strings.Split(allowed, "."), strings.Split(subject, ".")
	for i, token := range a {
		switch {
		case token == ">":
			return len(s) > i
		case i >= len(s) || token != "*" && token != s[i]:
			return false
		}
	}
	return len(a) == len(s)
}

func TestRightsCoverEverySubjectOfTheLayout(t *testing.T) {
	l := New("lobby", 3)
	rights := l.Rights()
	may := func(allowed []string, subject string) bool {
		return slices.ContainsFunc(allowed, func(a string) bool { return covers(a, subject) })
	}
	both := []string{l.Beacon(), l.Node("f00", "load"), l.Inbox("f00") + ".a.7"}
	var stored []string
	for _, kind := range Kinds {
		for _, name := range []string{"lobby", "a.b > *", "grüße"} {
			feed := Feed{kind, "default", name}
			both = append(both, l.Live(feed), l.Ask(l.ShardOf(feed)))
			stored = append(stored, l.Stored(feed))
		}
	}
	for _, subject := range both {
		if !may(rights.Publish, subject) || !may(rights.Subscribe, subject) {
			t.Errorf("%s: may publish %v, subscribe %v", subject, may(rights.Publish, subject), may(rights.Subscribe, subject))
		}
	}
	for _, subject := range stored {
		if !may(rights.Publish, subject) || may(rights.Subscribe, subject) {
			t.Errorf("%s: may publish %v, subscribe %v", subject, may(rights.Publish, subject), may(rights.Subscribe, subject))
		}
	}
	for _, shard := range l.All() {
		if !may(rights.Publish, "$JS.API.CONSUMER.MSG.NEXT."+l.Stream(shard)+".x") {
			t.Errorf("%s can't be read", shard)
		}
		if !may(rights.Publish, "$JS.API.STREAM.MSG.DELETE."+l.Stream(shard)) {
			t.Errorf("nothing of %s can be erased", shard)
		}
	}
}

func TestRightsLetTablesBeReadWrittenAndWatched(t *testing.T) {
	l := New("lobby", 3)
	for _, table := range Tables {
		stream := "KV_" + l.Bucket(table)
		for _, subject := range []string{
			"$KV." + l.Bucket(table) + "." + RowKey("default", "room:a", "ann"), "$JS.API.STREAM.INFO." + stream,
			"$JS.API.STREAM.MSG.GET." + stream, "$JS.API.DIRECT.GET." + stream,
			"$JS.API.CONSUMER.CREATE." + stream + ".x", "$JS.API.CONSUMER.MSG.NEXT." + stream + ".x", "$JS.API.CONSUMER.DELETE." + stream + ".x",
		} {
			if !slices.ContainsFunc(l.Rights().Publish, func(a string) bool { return covers(a, subject) }) {
				t.Errorf("%s is not allowed", subject)
			}
		}
	}
}

func TestRightsEndAtTheCluster(t *testing.T) {
	mine := New("lobby", 3).Rights()
	other := New("lounge", 3)
	all := slices.Concat(mine.Publish, mine.Subscribe)
	for _, subject := range slices.Concat(other.Rights().Publish, []string{
		"$JS.API.STREAM.INFO." + New("lobby", 4).Stream(Shard{Room, 3}), "$JS.API.STREAM.DELETE.lobby-ROOMS-0",
		"$JS.API.STREAM.PURGE.KV_lobby-members", "$JS.API.STREAM.MSG.DELETE.KV_lobby-members", "$JS.API.CONSUMER.DURABLE.CREATE.KV_lobby-rooms.x",
		"$SYS.REQ.SERVER.PING",
	}) {
		if subject == "$JS.API.INFO" {
			continue // that of one's own account
		}
		for _, allowed := range all {
			if covers(allowed, subject) {
				t.Errorf("%s lets %s through", allowed, subject)
			}
		}
	}
}
