package protocol

import (
	"strings"
	"testing"
)

var benchData = []byte(`{"id":"0190","type":"message","sender":"u","time":1700000000000,"text":"` + strings.Repeat("x", 120) + `"}`)

func benchmarkEncodings(b *testing.B, run func(b *testing.B, enc Encoding)) {
	for _, enc := range []Encoding{JSON, Protobuf} {
		b.Run(enc.String(), func(b *testing.B) {
			b.ReportAllocs()
			run(b, enc)
		})
	}
}

func BenchmarkAppendPublication(b *testing.B) {
	benchmarkEncodings(b, func(b *testing.B, enc Encoding) {
		info := AppendClientInfo(enc, nil, &ClientInfo{User: "u", Client: "0190"})
		pub := &EncodedPublication{Data: benchData, Info: info, Offset: 123456, Time: 1700000000000}
		var frame []byte
		for b.Loop() {
			frame = AppendPublication(enc, frame[:0], "room:1", pub)
		}
	})
}

func BenchmarkAppendReplyWithPublication(b *testing.B) {
	benchmarkEncodings(b, func(b *testing.B, enc Encoding) {
		pub := &Publication{Data: benchData, Info: &ClientInfo{User: "u", Client: "0190"}, Offset: 123456, Time: 1700000000000}
		reply := &Reply{Push: &Push{Channel: "room:1", Pub: pub}}
		var frame []byte
		for b.Loop() {
			frame = AppendReply(enc, frame[:0], reply)
		}
	})
}

func BenchmarkDecodePublish(b *testing.B) {
	benchmarkEncodings(b, func(b *testing.B, enc Encoding) {
		frame := AppendCommand(enc, nil, &Command{ID: 1, Publish: &PublishRequest{Channel: "room:1", Data: benchData}})
		for b.Loop() {
			if _, err := DecodeCommands(enc, frame, DefaultLimits); err != nil {
				b.Fatal(err)
			}
		}
	})
}
