package bench

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha1" //nolint:gosec // native passwords are made with it
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"time"
)

// backend is the least that a MySQL client can be: it signs in, and sends statements that give no rows.
type backend struct {
	conn net.Conn
	in   *bufio.Reader
}

// packetHead is the length and the number in front of each packet.
const packetHead = 4

func dialBackend(ctx context.Context, address, password string) (*backend, error) {
	conn, err := (&net.Dialer{Timeout: dialLimit}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	b := &backend{conn: conn, in: bufio.NewReader(conn)}
	greeting, err := b.read()
	if err != nil {
		return nil, err
	}
	const protocol41, secure, rest, short = 1 << 9, 1 << 15, 4 + 1 + 23, 8
	_, from, _ := bytes.Cut(greeting[1:], []byte{0}) // behind the version
	salt := append(bytes.Clone(from[4:4+short]), from[4+short+19:4+short+19+12]...)
	login := binary.LittleEndian.AppendUint32(nil, protocol41|secure)
	login = append(append(login, make([]byte, rest)...), "root\x00"...)
	login = append(append(login, sha1.Size), nativePassword(password, salt)...)
	return b, b.exchange(1, login)
}

// nativePassword is SHA1(password) XOR SHA1(salt + SHA1(SHA1(password))).
func nativePassword(password string, salt []byte) []byte {
	once := sha1.Sum([]byte(password)) //nolint:gosec // see the import
	twice := sha1.Sum(once[:])         //nolint:gosec // see the import
	proof := sha1.Sum(append(salt, twice[:]...))
	for i := range proof {
		proof[i] ^= once[i]
	}
	return proof[:]
}

func (b *backend) read() ([]byte, error) {
	head := make([]byte, packetHead)
	if _, err := io.ReadFull(b.in, head); err != nil {
		return nil, err
	}
	packet := make([]byte, int(head[0])|int(head[1])<<8|int(head[2])<<16)
	_, err := io.ReadFull(b.in, packet)
	return packet, err
}

// exchange sends a packet and expects that it is answered with OK.
func (b *backend) exchange(number byte, packet []byte) error {
	_ = b.conn.SetDeadline(time.Now().Add(hearLimit))
	wire := append([]byte{byte(len(packet)), byte(len(packet) >> 8), byte(len(packet) >> 16), number}, packet...)
	if _, err := b.conn.Write(wire); err != nil {
		return err
	}
	answer, err := b.read()
	if err == nil && (len(answer) == 0 || answer[0] != 0) {
		err = fmt.Errorf("the answer is %q", answer)
	}
	return err
}

// query sends a statement, and returns when it is acknowledged.
func (b *backend) query(sql string) error { return b.exchange(0, append([]byte{3}, sql...)) }
