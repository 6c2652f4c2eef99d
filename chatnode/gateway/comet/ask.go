package comet

import (
	"context"
	"strconv"
	"strings"

	"github.com/chatfleet/chatfleet/chatnode/chat"
	"github.com/chatfleet/chatfleet/chatnode/fanout"
)

// commands are what browsers can say, by the first line.
var commands = map[string]func(s *session, ctx context.Context, text string) error{
	"subscription":     (*session).subscribe,
	"web_pipe2":        (*session).publish,
	"pipe_log":         (*session).pipeLog,
	"pipe_count":       (*session).pipeCount,
	"track_pipe_users": (*session).trackPipeUsers,
	"user_status":      (*session).userStatus,
	"user_data":        (*session).userData,
	"statistics":       (*session).ignore,
	"cgi_call":         (*session).ignore,
	"CometQL_call":     (*session).ignore,
}

// ignore takes a command that has no effect.
func (s *session) ignore(context.Context, string) error { return nil }

// field is a line of a command, or empty.
func field(text string, number int) string {
	lines := strings.Split(text, "\n")
	if number < len(lines) {
		return strings.TrimSpace(lines[number])
	}
	return ""
}

// pipeAndMarker are the two lines of commands about pipes.
func pipeAndMarker(text string, prefixes ...string) (pipe, marker string, err error) {
	pipe, marker = field(text, 1), field(text, 2)
	switch {
	case !nameable(pipe) || len(pipe) < minName || len(pipe) > maxName:
		return "", "", refused("Unsupported characters in the name of a pipe")
	case !nameable(marker) || len(marker) > maxName:
		return "", "", refused("Unsupported characters in the marker")
	}
	for _, prefix := range prefixes {
		if strings.HasPrefix(pipe, prefix) {
			return pipe, marker, nil
		}
	}
	if len(prefixes) > 0 {
		return "", "", refused("This pipe does not tell who listens")
	}
	return pipe, marker, nil
}

// answer sends an answer with a marker.
func (s *session) answer(m message) {
	m.Time = s.gateway.now().Unix()
	s.send(s.encoder.frame(m))
}

// pipeLog replays a pipe's history.
func (s *session) pipeLog(ctx context.Context, text string) error {
	pipe, marker, err := pipeAndMarker(text)
	if err != nil {
		return err
	}
	past, err := s.gateway.history(ctx, s.actor, pipe)
	if err != nil {
		return err
	}
	for _, m := range past[max(0, len(past)-maxReplayed):] {
		told := message{Data: m.payload, Event: m.event, FromQueue: true, History: true, Marker: marker, Time: m.time / 1000, Pipe: pipe, UUID: m.id}
		told.UserID = &m.user
		s.send(s.encoder.frame(told))
	}
	return nil
}

// maxReplayed is how many messages of a pipe's past a browser gets.
const maxReplayed = 99

// listeners are those of a pipe, if the user may know them.
func (s *session) listeners(ctx context.Context, pipe string) (fanout.Here, error) {
	if _, err := s.gateway.options.Chat.Access(ctx, s.actor, roomPrefix+pipe, chat.Presence); err != nil {
		return fanout.Here{}, err
	}
	return s.gateway.options.Hub.Presence(ctx, feedOf(s.app, pipe))
}

// pipeCount tells how many listen to a pipe.
func (s *session) pipeCount(ctx context.Context, text string) error {
	pipe, marker, err := pipeAndMarker(text, "web_", "webauth_", "track_")
	if err != nil {
		return err
	}
	here, err := s.listeners(ctx, pipe)
	if err != nil {
		return err
	}
	s.answer(message{Data: map[string]int{"user_in_pipe": here.NumClients}, Event: "user_in_pipe", Marker: marker, Pipe: "_answer_pipe_count"})
	return nil
}

// trackPipeUsers tells who listens to a pipe.
func (s *session) trackPipeUsers(ctx context.Context, text string) error {
	pipe, marker, err := pipeAndMarker(text, "track_")
	if err != nil {
		return err
	}
	here, err := s.listeners(ctx, pipe)
	if err != nil {
		return err
	}
	users := make([]tracked, 0, len(here.Clients))
	for _, info := range here.Clients {
		l := listenerOf(info)
		users = append(users, tracked{l.UserID, l.UUID})
	}
	s.answer(message{Data: users, Event: "answer", Info: "track_pipe_users", Marker: marker, Pipe: pipeAnswer})
	return nil
}

// idOf reads the id of a user.
func idOf(text string) (int64, error) {
	id, ok := numberOf(text)
	if !ok {
		return 0, refused("The id of a user is a number greater than 0")
	}
	return id, nil
}

// userStatus tells how long ago a user was here.
func (s *session) userStatus(ctx context.Context, text string) error {
	id, err := idOf(field(text, 1))
	if err != nil {
		return err
	}
	name := strconv.FormatInt(id, 10)
	times, err := s.gateway.lastSeen(ctx, s.actor, []string{name})
	if err != nil {
		return err
	}
	ago := times[0]
	if ago > 0 {
		ago = max(0, s.gateway.now().Unix()-ago)
	}
	s.answer(message{Data: map[string]int64{"data": ago, "last_online_time": ago}, Event: "user_status_" + name, Pipe: "_answer_user_status"})
	return nil
}

// userData tells what the application keeps of a user for others to see.
func (s *session) userData(ctx context.Context, text string) error {
	marker := field(text, 1)
	id, err := idOf(field(text, 2))
	if err != nil {
		return err
	}
	if !nameable(marker) || len(marker) > maxName {
		return refused("Unsupported characters in the marker")
	}
	kept, _, err := load[dataRow](ctx, s.gateway.rows, s.app, aboutData, strconv.FormatInt(id, 10))
	if err != nil {
		return err
	}
	s.answer(message{Data: map[string]any{"user_data": kept.Data, "user_id": id}, Event: "answer", Marker: marker, Pipe: pipeAnswer})
	return nil
}
