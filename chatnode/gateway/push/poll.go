package push

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// lookAgain is how often a poll looks for messages of its own accord: nobody wakes it for conversations beyond maxFollowed, and nobody answers
// while the log has no leader.
const lookAgain = 10 * time.Second

// endingWait is how long a poll waits at a node that ends.
const endingWait = time.Second

// subscriber is who receives from a channel.
type subscriber struct {
	user string
	session
}

// poll answers a subscriber with the next message, or lets it wait.
func (g *Gateway) poll(w http.ResponseWriter, r *http.Request) {
	control := http.NewResponseController(w)
	status, body := http.StatusBadRequest, []byte(noBody+"\n")
	// A body says nothing here. But until it has come, the server doesn't see that the client goes, nor does it answer.
	if _, err := io.Copy(io.Discard, http.MaxBytesReader(w, r.Body, g.options.BodyBytes)); err == nil {
		_ = control.SetReadDeadline(time.Time{}) // or the server takes a client that waits for one that is slow
		status, body = g.polled(w, r)
	}
	if r.Context().Err() != nil && status == 0 {
		return // the client has gone
	}
	g.metrics.polls.WithLabelValues(strconv.Itoa(status)).Inc()
	_ = control.SetWriteDeadline(time.Now().Add(writeWait))
	w.WriteHeader(status)
	_, _ = w.Write(body) // an error is a client that has gone, and comes again with the headers of the message before
}

// polled is what a poll is answered with, besides the headers that it sets. Status 0 says that the client has gone.
func (g *Gateway) polled(w http.ResponseWriter, r *http.Request) (status int, body []byte) {
	channel := channelOf(r)
	switch {
	case r.Method != http.MethodGet:
		w.Header().Set("Allow", http.MethodGet)
		return http.StatusMethodNotAllowed, nil
	case channel == "":
		return http.StatusBadRequest, []byte("No channel id provided.\n")
	}
	s, ok, err := g.subscriber(r.Context(), channel)
	if err != nil {
		return http.StatusInternalServerError, []byte(unreachable + "\n")
	}
	if !ok {
		return http.StatusForbidden, nil
	}
	from, since, err := g.place(r.Header, s.Received)
	if err != nil {
		return http.StatusBadRequest, []byte(err.Error() + "\n")
	}
	if from == nil { // a channel begins with a message that only says so
		return http.StatusOK, g.give(w, letter{time: s.Began}, s.Received, true)
	}
	p, bound := g.pollers.enter(s.Key, g.accountKey(s.user), g.options.Concurrency)
	switch bound {
	case "":
	case boundPolls:
		g.metrics.refused.WithLabelValues(boundPolls).Inc()
		w.Header().Set("Retry-After", "1")
		return http.StatusServiceUnavailable, nil
	default:
		return http.StatusConflict, nil
	}
	defer g.pollers.leave(p)
	return g.await(w, r, channel, s, p, *from, since)
}

// subscriber finds whose a channel is; false if it is nobody's.
func (g *Gateway) subscriber(ctx context.Context, channel string) (s subscriber, ok bool, err error) {
	if len(channel) != channelLetters {
		return s, false, nil
	}
	ctx, cancel := context.WithTimeout(ctx, g.options.Timeout)
	defer cancel()
	whose, err := g.owners.get(ctx, g.ownerKey(keyOf(channel)))
	if err != nil || whose == nil {
		return s, false, err
	}
	s.user = whose.User
	s.session, ok, err = g.enter(ctx, s.user, channel)
	return s, ok, err
}

// place is from where a client wants to go on, by its headers; nil if it wants the beginning. A client that gives back the time alone gets
// what was said in later seconds, behind what it is known to have: since is in milliseconds.
func (g *Gateway) place(h http.Header, received position) (from *position, since int64, err error) {
	tag, modified := h.Get("If-None-Match"), h.Get("If-Modified-Since")
	tag = strings.Trim(strings.TrimPrefix(strings.TrimSpace(tag), "W/"), `"`)
	switch {
	case tag != "":
		var p position
		return &p, 0, p.UnmarshalText([]byte(tag))
	case modified == "":
		return nil, 0, nil
	}
	at, err := http.ParseTime(modified)
	if err != nil {
		return nil, 0, errTime
	}
	return &received, at.Add(time.Second).UnixMilli(), nil
}

// give sets the headers of a message, with the position behind it, and gives its body.
func (g *Gateway) give(w http.ResponseWriter, l letter, then position, ignore bool) []byte {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Last-Modified", time.Unix(then.time, 0).UTC().Format(http.TimeFormat))
	h["Etag"] = []string{then.String()}
	h.Set("Vary", "If-None-Match, If-Modified-Since")
	return g.options.Shape.pushed(l, ignore)
}

// await gives the next message as soon as there is one.
func (g *Gateway) await(w http.ResponseWriter, r *http.Request, channel string, s subscriber, p *poller, from position, since int64) (status int, body []byte) {
	ctx := r.Context()
	f := follower{g: g, user: s.user, wake: p.woken}
	defer f.close()
	end, ending := time.NewTimer(g.options.Wait), g.ending
	defer end.Stop()
	select {
	case <-ending: // who comes while the node ends is not sent away at once, or it would come again at once
		end.Reset(endingWait)
		ending = nil
	default:
	}
	for noted := false; ; {
		b, err := g.look(ctx, s.user, from, since)
		if err == nil && len(b.letters) > 0 {
			return http.StatusOK, g.give(w, b.letters[0], b.letters[0].then, false)
		}
		if err == nil {
			from = b.then // what the time passes over is passed over once
		}
		if g.options.Interval && err == nil {
			g.received(ctx, s, from)
			return http.StatusNotModified, nil
		}
		if err == nil && f.follow(ctx, b.feeds) {
			continue // what came before the subscription shows now
		}
		if !noted {
			g.received(ctx, s, from)
			noted = true
		}
		select {
		case <-p.woken:
		case <-time.After(lookAgain):
		case <-p.replaced:
			return http.StatusConflict, nil
		case <-end.C:
			return http.StatusNotModified, nil
		case <-ending:
			w.Header().Set("Connection", "close")
			return http.StatusNotModified, nil
		case <-ctx.Done():
			return 0, nil
		}
		if _, ok, err := g.subscriber(ctx, channel); !ok && err == nil {
			return http.StatusGone, nil
		}
	}
}

// look reads the next letter behind a position, and perhaps others behind it; since, if not 0, passes over older ones.
func (g *Gateway) look(ctx context.Context, user string, from position, since int64) (b batch, err error) {
	ctx, cancel := context.WithTimeout(ctx, g.options.Timeout)
	defer cancel()
	most := 1
	if since > 0 {
		most = mostPerPage
	}
	for {
		b, err = g.after(ctx, user, from, nil, most)
		at := slices.IndexFunc(b.letters, func(l letter) bool { return l.time >= since })
		switch {
		case err != nil || len(b.letters) == 0:
			return b, err
		case at >= 0:
			b.letters = b.letters[at:]
			return b, nil
		}
		from = b.then
	}
}

// received notes up to where a client says to have everything, when it has nothing else to do. If that fails, the next wait makes up for it.
func (g *Gateway) received(ctx context.Context, s subscriber, upTo position) {
	if s.Received.equal(upTo) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, g.options.Timeout)
	defer cancel()
	err := g.changeSession(ctx, s.user, s.Key, func(now *session) {
		now.Received, now.Beat = now.Received.join(upTo), g.millis()
	})
	if err != nil && ctx.Err() == nil {
		g.options.Logger.Warn("could not note what a client has received", "error", err)
	}
}
