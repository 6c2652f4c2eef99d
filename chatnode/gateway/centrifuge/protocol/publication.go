package protocol

import (
	"reflect"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"
)

// EncodedPublication is a publication whose parts are already in the encoding of the frame, so that they are copied
// and not encoded again.
type EncodedPublication struct {
	Data   []byte // as stored: one JSON value
	Info   []byte // from AppendClientInfo in the same encoding; empty if there is no sender
	Offset uint64 // 0 for a signal that is not in the log
	Time   int64  // milliseconds since 1970, 0 if unknown
}

// Field numbers of a push with a publication, from the tags of Reply, Push and Publication.
const (
	replyPush   protowire.Number = 4
	pushChannel protowire.Number = 2
	pushPub     protowire.Number = 4
	pubData     protowire.Number = 4
	pubInfo     protowire.Number = 5
	pubOffset   protowire.Number = 6
	pubTime     protowire.Number = 9
)

// AppendPublication appends a reply that pushes the publication to the subscribers of channel; frame and separators
// are as in AppendReply. It does the same as AppendReply in a fraction of the time.
func AppendPublication(enc Encoding, frame []byte, channel string, pub *EncodedPublication) []byte {
	if enc == JSON {
		return appendPublicationJSON(frame, channel, pub)
	}
	size := pub.sizeProtobuf()
	push := protowire.SizeTag(pushPub) + protowire.SizeBytes(size)
	if channel != "" {
		push += protowire.SizeTag(pushChannel) + protowire.SizeBytes(len(channel))
	}
	frame = protowire.AppendVarint(frame, uint64(protowire.SizeTag(replyPush)+protowire.SizeBytes(push)))
	frame = protowire.AppendTag(frame, replyPush, protowire.BytesType)
	frame = protowire.AppendVarint(frame, uint64(push))
	if channel != "" {
		frame = protowire.AppendTag(frame, pushChannel, protowire.BytesType)
		frame = protowire.AppendString(frame, channel)
	}
	frame = protowire.AppendTag(frame, pushPub, protowire.BytesType)
	frame = protowire.AppendVarint(frame, uint64(size))
	return pub.appendProtobuf(frame)
}

func (p *EncodedPublication) sizeProtobuf() int {
	size := 0
	if len(p.Data) > 0 {
		size += protowire.SizeTag(pubData) + protowire.SizeBytes(len(p.Data))
	}
	if len(p.Info) > 0 {
		size += protowire.SizeTag(pubInfo) + protowire.SizeBytes(len(p.Info))
	}
	if p.Offset != 0 {
		size += protowire.SizeTag(pubOffset) + protowire.SizeVarint(p.Offset)
	}
	if p.Time != 0 {
		size += protowire.SizeTag(pubTime) + protowire.SizeVarint(uint64(p.Time))
	}
	return size
}

func (p *EncodedPublication) appendProtobuf(dst []byte) []byte {
	if len(p.Data) > 0 {
		dst = protowire.AppendTag(dst, pubData, protowire.BytesType)
		dst = protowire.AppendBytes(dst, p.Data)
	}
	if len(p.Info) > 0 {
		dst = protowire.AppendTag(dst, pubInfo, protowire.BytesType)
		dst = protowire.AppendBytes(dst, p.Info)
	}
	if p.Offset != 0 {
		dst = protowire.AppendTag(dst, pubOffset, protowire.VarintType)
		dst = protowire.AppendVarint(dst, p.Offset)
	}
	if p.Time != 0 {
		dst = protowire.AppendTag(dst, pubTime, protowire.VarintType)
		dst = protowire.AppendVarint(dst, uint64(p.Time))
	}
	return dst
}

func appendPublicationJSON(frame []byte, channel string, pub *EncodedPublication) []byte {
	frame = append(frame, `{"push":{`...)
	if channel != "" {
		frame = append(appendQuoted(append(frame, `"channel":`...), channel), ',')
	}
	frame = append(frame, `"pub":{`...)
	start := len(frame)
	if len(pub.Data) > 0 {
		frame = append(appendRaw(append(frame, `"data":`...), pub.Data), ',')
	}
	if len(pub.Info) > 0 {
		frame = append(appendRaw(append(frame, `"info":`...), pub.Info), ',')
	}
	if pub.Offset != 0 {
		frame = append(strconv.AppendUint(append(frame, `"offset":`...), pub.Offset, 10), ',')
	}
	if pub.Time != 0 {
		frame = append(strconv.AppendInt(append(frame, `"time":`...), pub.Time, 10), ',')
	}
	if len(frame) > start {
		frame = frame[:len(frame)-1]
	}
	return append(frame, "}}}"...)
}

// AppendClientInfo appends the message alone, without a length, as EncodedPublication wants it. In Protobuf a client
// info with no field set is empty.
func AppendClientInfo(enc Encoding, dst []byte, info *ClientInfo) []byte {
	v := reflect.ValueOf(info).Elem()
	if enc == JSON {
		return planOf(v.Type()).appendJSON(dst, v)
	}
	return planOf(v.Type()).appendProtobuf(dst, v)
}
