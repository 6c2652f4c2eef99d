package centrifuge

import (
	"time"
)

// Limits bound what one connection may do.
type Limits struct {
	// FrameBytes is the largest frame, CommandBytes the largest command in it; 256 KiB and 64 KiB. The SDKs put all that they have to
	// say at a reconnect into one frame. Beyond them the connection is closed with 1009.
	FrameBytes, CommandBytes int
	// FrameCommands is the most commands in one frame; 2,000.
	FrameCommands int
	// Subscriptions is the most subscriptions, the server's own included; 1,000. Beyond it: error 106.
	Subscriptions int
	// ServerSubscriptions is the most subscriptions that the server makes at connect; 200.
	ServerSubscriptions int
	// CommandsPerSecond and CommandBurst bound commands other than those about subscriptions; 50 and 100. Beyond them: error 111, and
	// far beyond a disconnect with 3013. Subscribing and unsubscribing has the same rate and twice Subscriptions as its burst.
	CommandsPerSecond float64
	CommandBurst      int
	// Failures is how many commands may fail for good before the connection is closed with 3509, a tenth of it again each second;
	// Subscriptions + 100, since all subscriptions of a client may be refused at once.
	Failures int
	// Running is the most commands that a session works on at a time, others wait; 16. Sending is the most publications and calls that
	// wait for the log, beyond it: error 111; 128.
	Running, Sending int
	// HistoryMessages and HistoryBytes bound a page of history; 1,000 and 512 KiB, but at least one message.
	HistoryMessages, HistoryBytes int
	// RecoverBytes bounds the publications in one subscribe result, and twice it those in a connect result, where each channel may have
	// 4 KiB in any case; 64 KiB. The rest follows as pushes. Streamed responses have more or less; see recoverBytes.
	RecoverBytes int
	// ReplyBytes bounds the replies that a client doesn't take; 4 MiB. Beyond it the connection is closed with 3008.
	ReplyBytes int

	// ConnectTimeout is the time until the connect command; 10 s. PongTimeout is the time until the answer to a ping; 10 s.
	ConnectTimeout, PongTimeout time.Duration
	// PingInterval is told to clients; 25 s.
	PingInterval time.Duration
	// SendTimeout bounds the wait for the log's acknowledgement; 4 s, because the SDKs wait 5 s.
	SendTimeout time.Duration
	// RequestTimeout bounds all other work; 10 s.
	RequestTimeout time.Duration
	// ExpiryGrace is how long after a token's end its refresh is waited for; 10 s.
	ExpiryGrace time.Duration
}

func (l Limits) withDefaults() Limits {
	setDefault(&l.FrameBytes, 256<<10)
	setDefault(&l.CommandBytes, 64<<10)
	setDefault(&l.FrameCommands, 2000)
	setDefault(&l.Subscriptions, 1000)
	setDefault(&l.ServerSubscriptions, 200)
	setDefault(&l.CommandsPerSecond, 50)
	setDefault(&l.CommandBurst, 100)
	setDefault(&l.Failures, l.Subscriptions+100)
	setDefault(&l.Running, 16)
	setDefault(&l.Sending, 128)
	setDefault(&l.HistoryMessages, 1000)
	setDefault(&l.HistoryBytes, 512<<10)
	setDefault(&l.RecoverBytes, 64<<10)
	setDefault(&l.ReplyBytes, 4<<20)
	setDefault(&l.ConnectTimeout, 10*time.Second)
	setDefault(&l.PongTimeout, 10*time.Second)
	setDefault(&l.PingInterval, 25*time.Second)
	setDefault(&l.SendTimeout, 4*time.Second)
	setDefault(&l.RequestTimeout, 10*time.Second)
	setDefault(&l.ExpiryGrace, 10*time.Second)
	return l
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// bucket measures a rate. The zero value is full.
type bucket struct {
	spent float64
	at    time.Time
}

// take spends one token of a bucket that holds burst and is refilled by rate per second. It gives what is left: below 0 it is too much.
func (b *bucket) take(now time.Time, rate float64, burst int) float64 {
	if passed := now.Sub(b.at).Seconds(); passed > 0 {
		b.spent = max(0, b.spent-passed*rate)
		b.at = now
	}
	b.spent++
	return float64(burst) - b.spent
}
