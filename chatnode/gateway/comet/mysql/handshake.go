package mysql

import (
	"bytes"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // the protocol's native passwords are made with it
	"crypto/subtle"
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
)

// Capabilities of the protocol that matter here.
const (
	longPassword   = 1 << 0
	longFlag       = 1 << 2
	connectWithDB  = 1 << 3
	protocol41     = 1 << 9
	interactive    = 1 << 10
	withTLS        = 1 << 11
	transactions   = 1 << 13
	secure         = 1 << 15
	multiResults   = 1 << 17
	pluginAuth     = 1 << 19
	connectAttrs   = 1 << 20
	lengthOfSecret = 1 << 21
)

// offered are the capabilities that the server has, without TLS.
const offered = longPassword | longFlag | connectWithDB | protocol41 | interactive | transactions | secure | multiResults |
	pluginAuth | connectAttrs | lengthOfSecret

const (
	nativePassword = "mysql_native_password"
	// utf8mb4 is the number of utf8mb4_general_ci.
	utf8mb4 = 45
	// autocommit is the only status that connections have.
	autocommit = 2
	saltBytes  = 20
)

// Login is what a client said of itself.
type Login struct {
	User, Database string
	// From is where the client is.
	From netip.Addr
	// Secret is true if there was a password, or what should be one.
	Secret bool
	proof  []byte
	salt   []byte
}

// Knows says whether the client knows the password. It takes the same time for all wrong ones.
func (l *Login) Knows(password []byte) bool {
	return len(l.proof) == sha1.Size && subtle.ConstantTimeCompare(l.proof, scramble(password, l.salt)) == 1
}

// scramble is what a client sends that knows the password: SHA1(password) XOR SHA1(salt + SHA1(SHA1(password))).
func scramble(password, salt []byte) []byte {
	once := sha1.Sum(password) //nolint:gosec // see the import
	twice := sha1.Sum(once[:]) //nolint:gosec // see the import
	salted := sha1.Sum(append(bytes.Clone(salt), twice[:]...))
	for i := range salted {
		salted[i] ^= once[i]
	}
	return salted[:]
}

// handshake greets the client and reads its answer, over TLS if it asks for that.
func (c *connection) handshake() (*Login, error) {
	salt, err := c.greet()
	if err != nil {
		return nil, err
	}
	answer, err := c.read()
	if err != nil {
		return nil, err
	}
	if asksForTLS(answer) && c.server.options.TLS != nil {
		if err := c.upgrade(); err != nil {
			return nil, err
		}
		if answer, err = c.read(); err != nil {
			return nil, err
		}
	}
	login, plugin, err := parseLogin(answer)
	if err != nil {
		return nil, err
	}
	login.salt = salt
	if peer, err := netip.ParseAddrPort(c.socket.RemoteAddr().String()); err == nil {
		login.From = peer.Addr()
	}
	if plugin != "" && plugin != nativePassword {
		if login.proof, err = c.switchPlugin(salt); err != nil {
			return nil, err
		}
		login.Secret = len(login.proof) > 0
	}
	return login, nil
}

// greet sends the server's greeting with a fresh salt.
func (c *connection) greet() ([]byte, error) {
	salt := make([]byte, saltBytes)
	_, _ = rand.Read(salt) // never fails
	for i := range salt {
		salt[i] = salt[i]%94 + 33 // a zero would end it, and some clients want letters
	}
	capabilities := uint32(offered)
	if c.server.options.TLS != nil {
		capabilities |= withTLS
	}
	p := append([]byte{10}, c.server.options.Version...)
	p = append(p, 0)
	p = binary.LittleEndian.AppendUint32(p, c.id)
	p = append(append(p, salt[:8]...), 0)
	p = binary.LittleEndian.AppendUint16(p, uint16(capabilities))
	p = append(p, utf8mb4, autocommit, 0)
	p = binary.LittleEndian.AppendUint16(p, uint16(capabilities>>16))
	p = append(p, saltBytes+1)
	p = append(p, make([]byte, 10)...)
	p = append(append(p, salt[8:]...), 0)
	p = append(append(p, nativePassword...), 0)
	if err := c.write(p); err != nil {
		return nil, err
	}
	return salt, c.flush()
}

// asksForTLS says whether the answer to the greeting is only its beginning, to go on over TLS.
func asksForTLS(answer []byte) bool {
	return len(answer) == 32 && binary.LittleEndian.Uint32(answer)&(withTLS|protocol41) == withTLS|protocol41
}

// begun is a socket of which the first bytes have been read ahead.
type begun struct {
	net.Conn
	ahead io.Reader
}

func (b *begun) Read(p []byte) (int, error) { return b.ahead.Read(p) }

// upgrade goes on over TLS. Whatever has come already is the beginning of that.
func (c *connection) upgrade() error {
	ahead, err := c.in.Peek(c.in.Buffered())
	if err != nil {
		return err
	}
	secured := tls.Server(&begun{c.socket, io.MultiReader(bytes.NewReader(bytes.Clone(ahead)), c.socket)}, c.server.options.TLS)
	if err := secured.Handshake(); err != nil {
		return err
	}
	c.mu.Lock()
	c.socket = secured
	c.mu.Unlock()
	c.in.Reset(secured)
	c.out.Reset(secured)
	return nil
}

// parseLogin reads the answer to the greeting, of clients of 4.1 and of older ones.
func parseLogin(answer []byte) (login *Login, plugin string, err error) {
	p := payload{rest: answer}
	capabilities := uint32(p.number(2))
	login = &Login{}
	if capabilities&protocol41 == 0 {
		p.bytes(3) // the largest packet
		login.User = string(p.zeroEnded())
		login.Secret = len(p.zeroEnded()) > 0
		return login, "", p.end()
	}
	capabilities |= uint32(p.number(2)) << 16
	p.bytes(4 + 1 + 23) // the largest packet, the character set, zeros
	login.User = string(p.zeroEnded())
	switch {
	case capabilities&lengthOfSecret != 0 && len(p.rest) > 0:
		login.proof = bytes.Clone(p.text())
	case capabilities&secure != 0 && len(p.rest) > 0:
		login.proof = bytes.Clone(p.bytes(p.number(1)))
	default:
		login.proof = bytes.Clone(p.zeroEnded())
	}
	login.Secret = len(login.proof) > 0
	if capabilities&connectWithDB != 0 {
		login.Database = string(p.zeroEnded())
	}
	if capabilities&pluginAuth != 0 {
		plugin = string(p.zeroEnded())
	}
	return login, plugin, p.end()
}

// end says whether the packet was what it should be.
func (p *payload) end() error {
	if p.bad {
		return errMalformed
	}
	return nil
}

// switchPlugin asks a client that began with another way of proving itself to use the native password.
func (c *connection) switchPlugin(salt []byte) ([]byte, error) {
	p := append([]byte{0xfe}, nativePassword...)
	p = append(append(p, 0), salt...)
	if err := c.write(append(p, 0)); err != nil {
		return nil, err
	}
	if err := c.flush(); err != nil {
		return nil, err
	}
	proof, err := c.read()
	return bytes.Clone(proof), err
}
