package protocol

import (
	"encoding/hex"
	"os"
	"reflect"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

// golden is one record of testdata/golden.txt: a message with its bytes in both encodings, those of Protobuf (without
// the length) written by the official library.
type golden struct {
	kind     string // command or reply
	json     string
	protobuf []byte
}

func readGolden(t testing.TB) []golden {
	t.Helper()
	text, err := os.ReadFile("testdata/golden.txt")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	var records []golden
	for ; len(lines) >= 3; lines = lines[3:] {
		message, err := hex.DecodeString(lines[2])
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, golden{lines[0], lines[1], protowire.AppendBytes(nil, message)})
	}
	return records
}

func TestGoldenBytes(t *testing.T) {
	for _, record := range readGolden(t) {
		t.Run(record.json, func(t *testing.T) {
			if record.kind == "command" {
				checkGolden(t, record, DecodeCommands, AppendCommand)
			} else {
				checkGolden(t, record, DecodeReplies, AppendReply)
			}
		})
	}
}

func checkGolden[T any](
	t *testing.T, record golden, decode func(Encoding, []byte, Limits) ([]*T, error), encode func(Encoding, []byte, *T) []byte,
) {
	fromJSON, err := decode(JSON, []byte(record.json), DefaultLimits)
	if err != nil {
		t.Fatal(err)
	}
	fromProtobuf, err := decode(Protobuf, record.protobuf, DefaultLimits)
	if err != nil {
		t.Fatal(err)
	}
	if len(fromJSON) != 1 || !reflect.DeepEqual(fromJSON, fromProtobuf) {
		t.Fatalf("JSON and Protobuf differ: %+v, %+v", fromJSON, fromProtobuf)
	}
	if got := encode(JSON, nil, fromJSON[0]); string(got) != record.json {
		t.Errorf("JSON: %s", got)
	}
	if got := encode(Protobuf, nil, fromJSON[0]); string(got) != string(record.protobuf) {
		t.Errorf("Protobuf: %x, want %x", got, record.protobuf)
	}
}

func TestFieldsThatClientsReadUncheckedAreWrittenWhenEmpty(t *testing.T) {
	cases := map[string]*Reply{
		`{"id":1,"history":{"publications":[],"epoch":"","offset":0}}`:   {ID: 1, History: &HistoryResult{}},
		`{"id":1,"presence":{"presence":{}}}`:                            {ID: 1, Presence: &PresenceResult{}},
		`{"id":1,"presence_stats":{"num_clients":0,"num_users":0}}`:      {ID: 1, PresenceStats: &PresenceStatsResult{}},
		`{"push":{"join":{"info":{"user":"","client":""}}}}`:             {Push: &Push{Join: &JoinPush{Info: &ClientInfo{}}}},
		`{"push":{"channel":"c","unsubscribe":{"code":0,"reason":""}}}`:  Unsubscribe{}.Reply("c"),
		`{"push":{"disconnect":{"code":3501,"reason":"bad request"}}}`:   DisconnectBadRequest.Reply(),
		`{"id":1,"presence":{"presence":{"gone":{}}}}`:                   {ID: 1, Presence: &PresenceResult{map[string]*ClientInfo{"gone": nil}}},
		`{"id":1,"subscribe":{"publications":[{}]}}`:                     {ID: 1, Subscribe: &SubscribeResult{Publications: []*Publication{nil}}},
		`{"id":1,"rpc":{"data":{ "a":  1}}}`:                             {ID: 1, RPC: &RPCResult{Data: []byte("{ \"a\":\r\n1}")}},
		`{"id":1,"error":{"code":100,"message":"try","temporary":true}}`: {ID: 1, Error: ErrorInternal.WithMessage("try")},
		`{"push":{"channel":"\"\\\u0000\u000aé😀<","message":{}}}`:        {Push: &Push{Channel: "\"\\\x00\né😀<", Message: &MessagePush{}}},
	}
	for want, reply := range cases {
		if got := AppendReply(JSON, nil, reply); string(got) != want {
			t.Errorf("%s\nwant %s", got, want)
		}
		if _, err := DecodeReplies(Protobuf, AppendReply(Protobuf, nil, reply), DefaultLimits); err != nil {
			t.Errorf("%s as Protobuf: %v", want, err)
		}
	}
}
