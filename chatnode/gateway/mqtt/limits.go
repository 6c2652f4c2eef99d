package mqtt

import "time"

// Limits bound what one connection may do.
type Limits struct {
	// PacketBytes is the largest packet of a client, LoginBytes that before the login is done; 128 KiB and 16 KiB. Beyond: the end.
	PacketBytes, LoginBytes int
	// Filters is the most topic filters of a connection; 32. Beyond it they are refused with 0x80.
	Filters int
	// Rooms is how many of the user's conversations are delivered live, those with the newest messages; 500.
	Rooms int
	// Waiting is how many packets wait for those before them; 64. Beyond it nothing more is read from the client.
	Waiting int
	// News is how many changes of the user's conversations wait; 1,000. Beyond it the connection ends.
	News int
	// InFlight is how many messages with QoS 1 the client may have unacknowledged; 1,000. Beyond it no more are sent until it does.
	InFlight int
	// ReplyBytes bounds the answers that a client does not take; 64 KiB. Beyond it the connection ends.
	ReplyBytes int
	// RequestBytes is the largest body of an HTTP request, Requests how many are answered at a time; 128 KiB and 256. Beyond that: 503.
	RequestBytes, Requests int

	// LoginTimeout is the time until CONNECT is there, PacketTimeout the time from a packet's first byte to its last; 10 s.
	LoginTimeout, PacketTimeout time.Duration
	// RequestTimeout bounds the work on one packet or request; 10 s. SendTimeout is how long a message is tried again; 30 s.
	RequestTimeout, SendTimeout time.Duration
}

func (l Limits) withDefaults() Limits {
	setDefault(&l.PacketBytes, 128<<10)
	setDefault(&l.LoginBytes, 16<<10)
	setDefault(&l.Filters, 32)
	setDefault(&l.Rooms, 500)
	setDefault(&l.Waiting, 64)
	setDefault(&l.News, 1000)
	setDefault(&l.InFlight, 1000)
	setDefault(&l.ReplyBytes, 64<<10)
	setDefault(&l.RequestBytes, 128<<10)
	setDefault(&l.Requests, 256)
	setDefault(&l.LoginTimeout, 10*time.Second)
	setDefault(&l.PacketTimeout, 10*time.Second)
	setDefault(&l.RequestTimeout, 10*time.Second)
	setDefault(&l.SendTimeout, 30*time.Second)
	return l
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
