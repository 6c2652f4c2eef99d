package chat21

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/structpb"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/chat"
)

// dataKey is where in a message's data the fields of chat21 are kept that chat has no own ones for.
const dataKey = "chat21"

// Fields are those of a message of chat21, by name.
type Fields map[string]json.RawMessage

// ours are the fields that the gateway gives, whatever a client says.
var ours = []string{
	"text", "message_id", "sender", "recipient", "app_id", "status", "timelineOf", "conversWith", "__history", "group",
	"key", "is_new", "archived", "last_message_text", "_id",
}

// system is the sender of messages of servers.
const (
	system         = "system"
	systemFullname = "System"
)

// outgoing is a message as a client sends it.
type outgoing struct {
	text string
	// key makes a repetition harmless; see messageID.
	key         string
	channelType string
	// members are those of a group that is made with the message.
	members []string
	kept    Fields
}

var errNotObject = errors.New("a message is a JSON object")

// parseOutgoing reads what a client sends.
func parseOutgoing(payload []byte) (outgoing, error) {
	var said Fields
	if json.Unmarshal(payload, &said) != nil || said == nil {
		return outgoing{}, errNotObject
	}
	var o outgoing
	var more struct {
		Text       *string `json:"text"`
		Attributes *struct {
			Key string `json:"message_key"`
		} `json:"attributes"`
		ChannelType string `json:"channel_type"`
		Group       *struct {
			Members map[string]json.RawMessage `json:"members"`
		} `json:"group"`
	}
	// A field of another type is no fault: it is kept as it is.
	_ = json.Unmarshal(payload, &more)
	if more.Text != nil {
		o.text = *more.Text
	}
	if more.Attributes != nil {
		o.key = more.Attributes.Key
	}
	if more.Group != nil {
		for member := range more.Group.Members {
			o.members = append(o.members, member)
		}
	}
	o.channelType, o.kept = more.ChannelType, said
	for _, name := range ours {
		delete(o.kept, name)
	}
	return o, nil
}

// messageSpace makes message ids of clients' keys.
var messageSpace = uuid.MustParse("5f1e6f0e-7a5c-5a4b-9d0a-3c8a1f6d2b10")

// messageID is a new one, or that of an earlier attempt with the same key of the same sender.
func (o *outgoing) messageID(sender, channel string) string {
	if o.key == "" {
		return uuid.Must(uuid.NewV7()).String()
	}
	return uuid.NewSHA1(messageSpace, []byte(sender+"\x00"+channel+"\x00"+o.key)).String()
}

// request is the message for chat.
func (o *outgoing) request(id, channel string) (*chatv1.SendRequest, error) {
	q := &chatv1.SendRequest{Room: channel, Id: id}
	if o.text != "" {
		q.Text = &o.text
	}
	raw, err := json.Marshal(map[string]Fields{dataKey: o.kept})
	if err != nil {
		return nil, err
	}
	q.Data = &structpb.Value{}
	return q, q.Data.UnmarshalJSON(raw)
}

// Said is a message of chat, from its log or from its history.
type Said struct {
	ID, Sender string
	time       int64
	text       string
	data       []byte
}

// OfEvent is a message as the log has it; false if the event is none.
func OfEvent(data []byte) (Said, bool) {
	var e chat.Event
	if json.Unmarshal(data, &e) != nil || e.Type != "message" {
		return Said{}, false
	}
	s := Said{ID: e.ID, Sender: e.Sender, time: e.Time, data: e.Data}
	if e.Text != nil {
		s.text = *e.Text
	}
	return s, true
}

// ofMessage is a message as history has it; false if it is deleted.
func ofMessage(m *chatv1.Message) (Said, bool) {
	s := Said{ID: m.GetId(), Sender: m.GetSender(), time: m.GetTime(), text: m.GetText()}
	if m.GetData() != nil {
		s.data, _ = m.GetData().MarshalJSON() // it came from JSON
	}
	return s, !m.GetDeleted()
}

// kept are the fields that chat21's clients gave a message; those of other protocols have none.
func (s *Said) kept() Fields {
	var data map[string]Fields
	if json.Unmarshal(s.data, &data) != nil || data[dataKey] == nil {
		return Fields{}
	}
	return data[dataKey]
}

// from is the sender's id.
func (s *Said) from() string {
	if s.Sender == "" {
		return system
	}
	return s.Sender
}

// object is the message without its status, as it is for the user at a place.
func (s *Said) object(app string, p Place) Fields {
	f := s.kept()
	for _, name := range ours {
		delete(f, name)
	}
	sender, recipient := s.from(), p.recipient(s.from())
	f["text"], f["message_id"] = quoted(s.text), quoted(s.ID)
	f["sender"], f["recipient"], f["app_id"] = quoted(sender), quoted(recipient), quoted(app)
	f["channel_type"] = quoted(p.channelType())
	senderName := sender
	if sender == system {
		senderName = systemFullname
	}
	f.byDefault("sender_fullname", quoted(senderName))
	f.byDefault("recipient_fullname", quoted(recipient))
	f.byDefault("type", quoted("text"))
	f.byDefault("timestamp", json.RawMessage(strconv.FormatInt(s.time, 10)))
	f.byDefault("attributes", json.RawMessage("null"))
	f.byDefault("metadata", json.RawMessage("null"))
	return f
}

func (f Fields) byDefault(name string, value json.RawMessage) {
	if _, ok := f[name]; !ok {
		f[name] = value
	}
}

// With adds a field.
func (f Fields) with(name string, value any) Fields {
	raw, err := json.Marshal(value)
	if err == nil {
		f[name] = raw
	}
	return f
}

func quoted(s string) json.RawMessage {
	raw, _ := json.Marshal(s) // a string always is JSON
	return raw
}

// attributes are those that mean something here.
type attributes struct {
	updateConversation bool
	HiddenFor          string
}

func attributesOf(f Fields) attributes {
	var a struct {
		Update    *bool  `json:"updateconversation"`
		HiddenFor string `json:"hiddenFor"`
	}
	_ = json.Unmarshal(f["attributes"], &a) // anything else means nothing
	return attributes{updateConversation: a.Update == nil || *a.Update, HiddenFor: strings.TrimSpace(a.HiddenFor)}
}
