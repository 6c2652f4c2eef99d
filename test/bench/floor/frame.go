//go:build linux

package main

import (
	"bufio"
	"bytes"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"syscall"
)

// handshake answers the HTTP request that begins every connection.
func (s *server) handshake(c *client, data []byte) {
	if !bytes.HasSuffix(data, []byte("\r\n\r\n")) {
		c.partial = append(c.partial, data...)
		return
	}
	request, err := http.ReadRequest(bufio.NewReaderSize(bytes.NewReader(data), 16))
	if err != nil {
		s.drop(c)
		return
	}
	key := request.Header.Get("Sec-WebSocket-Key")
	if key == "" {
		if request.URL.Path == "/collect" {
			collect()
		}
		write(c.fd, []byte("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n"))
		s.drop(c)
		return
	}
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")) // RFC 6455, section 1.3
	write(c.fd, []byte("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "+
		base64.StdEncoding.EncodeToString(sum[:])+"\r\n\r\n"))
	c.open = true
}

// nextFrame takes a client's frame off data and unmasks it in place; false if it isn't whole yet.
func nextFrame(data []byte) (payload, rest []byte, ok bool) {
	if len(data) < 6 {
		return nil, data, false
	}
	size, head := int(data[1]&0x7f), 2
	if size == 126 {
		size, head = int(binary.BigEndian.Uint16(data[2:])), 4
	}
	if len(data) < head+4+size {
		return nil, data, false
	}
	mask := data[head : head+4]
	payload = data[head+4 : head+4+size]
	for i := range payload {
		payload[i] ^= mask[i%4]
	}
	return payload, data[head+4+size:], true
}

// appendFrame appends a server's text frame of less than 64 KiB.
func appendFrame(dst, payload []byte) []byte {
	if len(payload) < 126 {
		dst = append(dst, 0x81, byte(len(payload)))
	} else {
		dst = append(dst, 0x81, 126)
		dst = binary.BigEndian.AppendUint16(dst, uint16(len(payload)))
	}
	return append(dst, payload...)
}

// take does what a client says.
func (s *server) take(c *client, payload []byte) {
	if len(payload) == 0 || payload[0] != 'j' && payload[0] != 'm' {
		_ = syscall.Shutdown(c.fd, syscall.SHUT_RDWR)
		return
	}
	id, rest, _ := bytes.Cut(payload[1:], []byte(" "))
	name, text, _ := bytes.Cut(rest, []byte(" "))
	r := s.rooms[string(name)]
	if r == nil {
		r = &room{}
		s.rooms[string(name)] = r
	}
	if payload[0] == 'j' {
		r.members = append(r.members, c)
	} else {
		s.stored = append(append(s.stored, payload...), '\n')
		r.news = appendFrame(r.news, text)
		s.busy[r] = true
	}
	s.answers[c] = append(append(s.answers[c], 'a'), id...)
}
