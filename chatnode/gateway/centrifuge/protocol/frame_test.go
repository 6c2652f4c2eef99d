package protocol

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

func TestCommandsMayBeSeparatedByAnyWhiteSpaceOrNone(t *testing.T) {
	for _, frame := range []string{
		"{\"id\":1,\"ping\":{}}\n{}", "\r\n {\"id\":1,\n\"ping\":{}}{} \n\n", `{"id":1,"ping":{},"later":[{"}":"]\"{"}]}` + "\t{}",
	} {
		commands, err := DecodeCommands(JSON, []byte(frame), DefaultLimits)
		if err != nil || len(commands) != 2 || commands[0].Ping == nil || !commands[1].IsPong() {
			t.Errorf("%q: %v, %v", frame, commands, err)
		}
	}
}

func TestABrokenJSONCommandIsNamed(t *testing.T) {
	good := `{"id":1,"ping":{}}` + "\n"
	deep := strings.Repeat("[", MaxDepth) + strings.Repeat("]", MaxDepth)
	for _, broken := range []string{
		`[]`, `null`, `x`, `{`, `{]`, `{"id":1`, `{"id":"1","ping":{}}`, `{"id":-1,"ping":{}}`, `{"id":4294967296,"ping":{}}`, `{"id":1.5,"ping":{}}`,
		`{"id":1}`, `{"ping":{}}`, `{"id":1,"unknown":{}}`, `{"id":1,"ping":{},"send":{}}`, `{"id":1,"ping":[]}`, `{"id":1,"ping":null}`,
		`{"id":1,"history":{"channel":"c","since":{"offset":-1}}}`, `{"id":1,"history":{"limit":2147483648}}`, `{"id":1,"subscribe":{"recover":1}}`,
		`{"id":1,"publish":{"channel":7}}`, `{"id":1,"publish":{"data":}}`, `{"id":1,"publish":{"data":{"a":01}}}`, `{"id":1,"connect":{"subs":{"a":null}}}`,
		`{"id":1,"publish":{"data":"` + "\xff" + `"}}`, `{"id":1,"publish":{"data":"` + "\x01" + `"}}`, `{"id":1,"publish":{"data":` + deep + `}}`,
		`{"id":1,"ping":{}}}`, `{"id":1,"ping":{}},{}`,
	} {
		commands, err := DecodeCommands(JSON, []byte(good+broken), DefaultLimits)
		var frameError *FrameError
		if !errors.As(err, &frameError) || frameError.Index < 1 || len(commands) != frameError.Index {
			t.Errorf("%s: %d commands, error %v", broken, len(commands), err)
		}
	}
}

func TestABrokenProtobufCommandIsNamed(t *testing.T) {
	good := AppendCommand(Protobuf, nil, &Command{ID: 1, Ping: &PingRequest{}})
	publish := func(inner ...byte) []byte { return append([]byte{8, 1, 7<<3 | 2, byte(len(inner))}, inner...) }
	for name, broken := range map[string][]byte{
		"length beyond the frame":  {9, 8},
		"unfinished length":        {0x80},
		"endless length":           []byte(strings.Repeat("\xff", 11)),
		"field number 0":           {2, 0, 0},
		"field number 2^29":        protowire.AppendBytes(nil, append(protowire.AppendVarint(nil, 1<<32), 0)),
		"unfinished field":         {1, 8},
		"end of a group":           {1, 1<<3 | 4},
		"id without a request":     {2, 8, 1},
		"request without an id":    {2, 11<<3 | 2, 0},
		"two requests":             {6, 8, 1, 11<<3 | 2, 0, 12<<3 | 2, 0},
		"request of a wrong type":  {4, 8, 1, 11 << 3, 0},
		"channel that isn't UTF-8": protowire.AppendBytes(nil, publish(1<<3|2, 1, 0xff)),
		"unfinished request":       protowire.AppendBytes(nil, publish(1<<3|2, 9)),
	} {
		commands, err := DecodeCommands(Protobuf, append(good[:len(good):len(good)], broken...), DefaultLimits)
		var frameError *FrameError
		if !errors.As(err, &frameError) || frameError.Index != 1 || len(commands) != 1 {
			t.Errorf("%s: %d commands, error %v", name, len(commands), err)
		}
	}
}

func TestProtobufSkipsUnknownFieldsAndMergesRepeatedOnes(t *testing.T) {
	frame := protowire.AppendBytes(nil, []byte{
		8, 9, 8, 5, // id twice: the last one counts
		100<<3&0x7f | 0x80, 100 >> 4, 7, // number 100, a varint
		99<<3&0x7f | 0x80 | 3, 99 >> 4, 99<<3&0x7f | 0x80 | 4, 99 >> 4, // number 99, an empty group
		7<<3 | 2, 3, 1<<3 | 2, 1, 'c', // publish with a channel
		7<<3 | 2, 3, 2<<3 | 2, 1, '1', // and, once more, with data
	})
	var dynamic = newOfficial(reflect.ValueOf(Command{}))
	if err := proto.Unmarshal(frame[1:], dynamic); err != nil {
		t.Fatal(err)
	}
	commands, err := DecodeCommands(Protobuf, frame, DefaultLimits)
	want := &Command{ID: 5, Publish: &PublishRequest{Channel: "c", Data: []byte("1")}}
	if err != nil || len(commands) != 1 || !reflect.DeepEqual(commands[0], want) {
		t.Fatalf("%+v, %v", commands, err)
	}
	compare(t, reflect.ValueOf(*commands[0]), dynamic)
}

func TestLimits(t *testing.T) {
	ping := &Command{ID: 1, Ping: &PingRequest{}}
	subs := &Command{ID: 1, Connect: &ConnectRequest{Subs: map[string]*SubscribeRequest{"a": {}, "b": {}, "c": {}}}}
	headers := &Command{ID: 1, Connect: &ConnectRequest{Headers: map[string]string{"a": "", "b": "", "c": ""}}}
	for _, enc := range []Encoding{JSON, Protobuf} {
		one := AppendCommand(enc, nil, ping)
		three := AppendCommand(enc, enc.AppendSeparator(AppendCommand(enc, enc.AppendSeparator(one), ping)), ping)
		for _, c := range []struct {
			frame  []byte
			limits Limits
			want   error
		}{
			{three, Limits{Bytes: len(three), Messages: 3}, nil},
			{three, Limits{Bytes: len(three) - 1, Messages: 3}, ErrFrameTooLarge},
			{three, Limits{Bytes: len(three), Messages: 2}, ErrTooManyMessages},
			{three, Limits{Bytes: len(three), Messages: 3, Message: len(one)}, nil},
			{three, Limits{Bytes: len(three), Messages: 3, Message: 3}, ErrMessageTooLarge},
			{nil, DefaultLimits, ErrEmptyFrame},
			{AppendCommand(enc, nil, subs), Limits{Bytes: 1000, Messages: 1, Entries: 3}, nil},
			{AppendCommand(enc, nil, subs), Limits{Bytes: 1000, Messages: 1, Entries: 2}, errTooManyInMap},
			{AppendCommand(enc, nil, headers), Limits{Bytes: 1000, Messages: 1, Entries: 2}, errTooManyInMap},
		} {
			if _, err := DecodeCommands(enc, c.frame, c.limits); !errors.Is(err, c.want) {
				t.Errorf("%v %q: %v, want %v", enc, c.frame, err, c.want)
			}
		}
	}
}

func TestDecodedCommandsHoldNoPartOfTheFrame(t *testing.T) {
	for _, enc := range []Encoding{JSON, Protobuf} {
		want := &Command{ID: 1, Publish: &PublishRequest{Channel: "c", Data: []byte(`{"a":1}`)}}
		frame := AppendCommand(enc, nil, want)
		commands, err := DecodeCommands(enc, frame, DefaultLimits)
		if err != nil {
			t.Fatal(err)
		}
		clear(frame)
		if !reflect.DeepEqual(commands[0], want) {
			t.Errorf("%v: %+v", enc, commands[0].Publish)
		}
	}
}

func TestValidJSON(t *testing.T) {
	nested := func(depth int) string { return strings.Repeat("[", depth) + strings.Repeat("]", depth) }
	for data, want := range map[string]bool{
		`{}`: true, `null`: true, ` "x" `: true, "{\n}": true, nested(MaxDepth): true, nested(MaxDepth + 1): false,
		``: false, `{} {}`: false, `{`: false, "\"\xff\"": false, "\x08\x01": false, `x`: false,
	} {
		if got := ValidJSON([]byte(data)); got != want {
			t.Errorf("%q: %v", data, got)
		}
	}
}

func TestErrorsAndDisconnects(t *testing.T) {
	if err := fmt.Errorf("publish: %w", ErrorInternal.WithMessage("pending")); !errors.Is(err, ErrorInternal) || errors.Is(err, ErrorExpired) {
		t.Error("an error with another message is not the same error")
	}
	for code, want := range map[uint32]bool{2999: false, 3000: true, 3499: true, 3500: false, 3999: false, 4000: true, 4499: true, 4500: false} {
		if got := (Disconnect{Code: code}).Reconnect(); got != want {
			t.Errorf("reconnect after %d: %v", code, got)
		}
	}
	for _, d := range []Disconnect{DisconnectShutdown, DisconnectSlow, DisconnectTooManyErrors} {
		if push := d.Reply().Push.Disconnect; push.Code != d.Code || push.Reason != d.Reason || push.Reconnect != (d.Code < 3500) {
			t.Errorf("%v: %+v", d, push)
		}
	}
}

func TestWhatIsWrongIsSaidWithoutOurTypes(t *testing.T) {
	_, inFrame := DecodeCommands(JSON, []byte(`{"id":1,"subscribe":{"channel":7}}`), DefaultLimits)
	_, inRequest := DecodeEmulation(JSON, []byte(`{"node":7}`))
	_, asWhole := DecodeEmulation(JSON, []byte(`[]`))
	for err, want := range map[error]string{
		inFrame:   "message 0 of the frame: subscribe.channel: unexpected number",
		inRequest: "emulation request: node: unexpected number",
		asWhole:   "emulation request: the whole: unexpected array",
	} {
		if err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
