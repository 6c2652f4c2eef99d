package interwork

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// chattpUser is one of cHaTTP with a session.
type chattpUser struct {
	stage         *stage
	name, channel string
	// modified and tag are those of the message that was received last.
	modified, tag string
}

const chattpPassword = "pw"

// chattpUser registers a user and logs in. On a busy machine a password may take too long.
func (s *stage) chattpUser(name string) *chattpUser {
	s.t.Helper()
	u := &chattpUser{stage: s, name: name}
	s.eventually(name+" to log in", func(ctx context.Context) error {
		_, refused := s.chattp(ctx, "register", "user_name="+name, "password="+chattpPassword)
		err := u.login(ctx)
		if err != nil {
			err = errors.Join(refused, err)
		}
		return err
	})
	return u
}

func (u *chattpUser) login(ctx context.Context) (err error) {
	u.channel, err = u.stage.chattp(ctx, "login", "user_name="+u.name, "password="+chattpPassword)
	return err
}

// send sends to another user.
func (u *chattpUser) send(ctx context.Context, to, words string) error {
	return u.command(ctx, "send", "dest_user="+to, "message="+url.PathEscape(words))
}

// command gives a command for which one has to be logged in.
func (u *chattpUser) command(ctx context.Context, name string, parameters ...string) error {
	_, err := u.stage.chattp(ctx, name, append([]string{"user_name=" + u.name, "channel_id=" + u.channel}, parameters...)...)
	return err
}

// saved takes the messages that came while nobody was logged in.
func (u *chattpUser) saved(ctx context.Context) (texts []string, err error) {
	var answer struct {
		Messages []struct{ Body string }
	}
	if err := u.stage.ask(ctx, "savedmessages?user_name="+u.name+"&channel_id="+u.channel, &answer); err != nil {
		return nil, err
	}
	for _, m := range answer.Messages {
		texts = append(texts, m.Body)
	}
	return texts, nil
}

// ask gives a command and reads its whole answer.
func (n *node) ask(ctx context.Context, command string, answer any) error {
	body, _, err := request(ctx, http.MethodGet, "http://"+n.push+"/chattp_request/"+command, nil)
	if err != nil {
		return err
	}
	return json.Unmarshal([]byte(body), answer)
}

// polling polls until the test ends, and collects the texts.
func (u *chattpUser) polling() *heard[string] {
	s, texts := u.stage, &heard[string]{}
	ctx, stop := context.WithCancel(s.ctx)
	done := make(chan error, 1)
	go func() {
		for {
			words, err := u.poll(ctx)
			if err != nil {
				done <- err
				return
			}
			if words != "" {
				texts.add(words)
			}
		}
	}()
	s.t.Cleanup(func() {
		stop()
		if err := <-done; !errors.Is(err, context.Canceled) {
			s.t.Error(err)
		}
	})
	return texts
}

// poll waits for the next message; of one that is to be ignored the text is empty.
func (u *chattpUser) poll(ctx context.Context) (words string, err error) {
	var position []string
	if u.tag != "" {
		position = []string{"If-Modified-Since", u.modified, "If-None-Match", u.tag}
	}
	body, header, err := request(ctx, http.MethodGet, "http://"+u.stage.push+"/sub?channel_id="+u.channel, nil, position...)
	if err != nil {
		return "", err
	}
	u.modified, u.tag = header.Get("Last-Modified"), header.Get("Etag")
	var m struct {
		Ignore  bool
		Message string
	}
	if err := json.Unmarshal([]byte(body), &m); err != nil {
		return "", fmt.Errorf("%q: %w", body, err)
	}
	return m.Message, nil
}

// chattp gives a command of cHaTTP, and the channel in the answer.
func (n *node) chattp(ctx context.Context, command string, parameters ...string) (channel string, err error) {
	body, _, err := request(ctx, http.MethodGet, "http://"+n.push+"/chattp_request/"+command+"?"+strings.Join(parameters, "&"), nil)
	if err != nil {
		return "", err
	}
	var said struct {
		Status  bool   `json:"status"`
		Error   string `json:"error"`
		Channel string `json:"channel_id"`
	}
	if err := json.Unmarshal([]byte(body), &said); err != nil || !said.Status {
		return "", fmt.Errorf("%s is answered %s (%w)", command, body, err)
	}
	return said.Channel, nil
}
