package interwork

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"

	"github.com/chatfleet/chatfleet/chatnode/gateway/mqtt/packet"
)

// chat21User is one of chat21 with an MQTT session, which is told everything.
type chat21User struct {
	stage     *stage
	name      string
	ws        *websocket.Conn
	published heard[published]
	// answers are the packets that are no publications.
	answers heard[packet.Packet]
	end     chan error
	packets atomic.Uint32
}

// published is what a session is told: the topic below the user's own, and the payload.
type published struct {
	topic string
	body  struct {
		ID        string `json:"message_id"`
		Sender    string
		Text      string
		Status    int
		Connected bool
	}
}

// mqtt connects a user.
func (s *stage) mqtt(name string) *chat21User {
	s.t.Helper()
	u, code := s.mqttWith(name, tokenOf(name))
	if code != packet.Accepted {
		s.t.Fatalf("the session of %s is answered %d", name, code)
	}
	u.write(packet.AppendSubscribe(nil, packet.Subscribe{ID: 1, Filters: []packet.Filter{{Topic: u.topic("#")}}}))
	u.answer(packet.TypeSuback, 1)
	return u
}

// mqttWith connects with a token, and gives what that is answered.
func (s *stage) mqttWith(name, token string) (u *chat21User, code byte) {
	s.t.Helper()
	u = &chat21User{stage: s, name: name, end: make(chan error, 1)}
	var stream []byte
	u.ws = s.open("ws://"+s.chat21+"/ws", []string{"mqtt"}, u.end, func(message []byte) {
		stream = append(stream, message...)
		for more := false; !more; {
			var p packet.Packet
			var err error
			if p, stream, more, err = packet.Cut(stream, 1<<20); err != nil {
				s.t.Errorf("the server sent %x: %v", message, err)
				return
			}
			if !more {
				p.Body = slices.Clone(p.Body)
				u.take(p)
			}
		}
	})
	user := "JWT"
	u.write(packet.AppendConnect(nil, packet.Connect{ClientID: name + "-" + fresh(), Clean: true, Username: &user, Password: []byte(token)}))
	code, err := packet.ParseConnack(u.answer(packet.TypeConnack, 0))
	s.must(err)
	return u, code
}

func (u *chat21User) topic(own string) string { return "apps/default/users/" + u.name + "/" + own }

func (u *chat21User) take(p packet.Packet) {
	if p.Type != packet.TypePublish {
		u.answers.add(p)
		return
	}
	m, err := packet.ParsePublish(p)
	if err != nil {
		u.stage.t.Errorf("the server published %x: %v", p.Body, err)
	}
	told := published{topic: strings.TrimPrefix(m.Topic, u.topic(""))}
	if err := json.Unmarshal(m.Payload, &told.body); err != nil {
		u.stage.t.Errorf("the server published %s: %v", m.Payload, err)
	}
	u.published.add(told)
}

func (u *chat21User) write(packet []byte) {
	u.stage.t.Helper()
	u.stage.must(u.ws.WriteMessage(websocket.BinaryMessage, packet))
}

// answer waits for a packet of that type, with that number if it has one.
func (u *chat21User) answer(kind packet.Type, id uint16) packet.Packet {
	u.stage.t.Helper()
	return u.answers.await(u.stage.t, fmt.Sprint(kind), func(p packet.Packet) bool {
		return p.Type == kind && (id == 0 || len(p.Body) > 1 && p.Body[0] == byte(id>>8) && p.Body[1] == byte(id))
	})
}

// publish publishes with QoS 1, and waits until it is acknowledged.
func (u *chat21User) publish(topic string, payload any) {
	u.stage.t.Helper()
	raw, err := json.Marshal(payload)
	u.stage.must(err)
	id := uint16(100 + u.packets.Add(1)) //nolint:gosec // they are few
	u.write(packet.AppendPublish(nil, packet.Publish{Topic: topic, QoS: 1, ID: id, Payload: raw}))
	u.answer(packet.TypePuback, id)
}

type object = map[string]any

// send sends a message to a user or a group, and waits until it is acknowledged.
func (u *chat21User) send(to, kind, words string, more object) {
	u.stage.t.Helper()
	message := object{"text": words, "type": "text", "sender_fullname": u.name, "recipient_fullname": to, "channel_type": kind}
	for name, value := range more {
		message[name] = value
	}
	u.publish("apps/default/outgoing/users/"+u.name+"/messages/"+to+"/outgoing", message)
}

func (u *chat21User) await(what string, right func(p published) bool) published {
	u.stage.t.Helper()
	return u.published.await(u.stage.t, what, right)
}

// texts gives what the session is told of messages.
func (u *chat21User) texts(ctx context.Context) (texts []string, err error) {
	all, err := u.published.all(ctx)
	for _, p := range all {
		if strings.HasPrefix(p.topic, "messages/") && strings.HasSuffix(p.topic, "/clientadded") {
			texts = append(texts, p.body.Text)
		}
	}
	return texts, err
}

// result asks chat21's API as a user.
func (n *node) result(ctx context.Context, user, path string, into any) error {
	body, err := n.api(ctx, user, http.MethodGet, path, nil)
	if err != nil {
		return err
	}
	answer := struct{ Result any }{into}
	return json.Unmarshal([]byte(body), &answer)
}

// api calls the HTTP API of chat21 as a user.
func (n *node) api(ctx context.Context, user, method, path string, body any) (string, error) {
	answer, _, err := request(ctx, method, "http://"+n.chat21+"/api/default"+path, body, "Authorization", tokenOf(user))
	return answer, err
}

// tokenOf is a user's token as chat21 has them.
func tokenOf(user string) string {
	claims, _ := json.Marshal(map[string]any{ // texts and numbers always have a form in JSON
		"sub": user, "app_id": "default", "aud": []string{"rabbitmq"}, "iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix(),
		"scope": []string{
			"rabbitmq.read:*/*/apps.default.users." + user + ".*",
			"rabbitmq.write:*/*/apps.default.users." + user + ".*", "rabbitmq.write:*/*/apps.default.outgoing.users." + user + ".*",
		},
	})
	encode := base64.RawURLEncoding.EncodeToString
	signed := encode([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + encode(claims)
	mac := hmac.New(sha256.New, []byte(tokenKey))
	mac.Write([]byte(signed))
	return signed + "." + encode(mac.Sum(nil))
}

// timeline reads a conversation over the API of chat21, whose newest message comes first.
func (n *node) timeline(user, with string) func(ctx context.Context) ([]string, error) {
	return func(ctx context.Context) ([]string, error) {
		body, err := n.api(ctx, user, http.MethodGet, "/"+user+"/conversations/"+with+"/messages", nil)
		if err != nil {
			return nil, err
		}
		var page struct{ Result []struct{ Text string } }
		err = json.Unmarshal([]byte(body), &page)
		texts := textsOf(page.Result)
		slices.Reverse(texts)
		return texts, err
	}
}

func (n *node) apiSend(user, to, kind string) func(ctx context.Context, text string) error {
	return func(ctx context.Context, text string) error {
		_, err := n.api(ctx, user, http.MethodPost, "/messages", map[string]any{
			"sender_fullname": user, "recipient_id": to, "recipient_fullname": to, "text": text, "channel_type": kind,
		})
		return err
	}
}
