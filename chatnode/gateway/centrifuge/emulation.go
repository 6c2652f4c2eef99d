package centrifuge

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/gateway/centrifuge/protocol"
)

// emulationQuestion is the kind of question by which a node hands commands to the node that holds their session. The question is an
// EmulationRequest in Protobuf.
const emulationQuestion = "emulation"

// Answers to the question.
var (
	emulationTaken   = []byte("taken")
	emulationUnknown = []byte("unknown session")
)

// remember lets the commands of a session come by separate requests, until forget.
func (g *Gateway) remember(s *session) {
	g.mu.Lock()
	g.emulated[s.secret] = s
	g.mu.Unlock()
}

func (g *Gateway) forget(s *session) {
	g.mu.Lock()
	delete(g.emulated, s.secret)
	g.mu.Unlock()
}

// serveEmulation takes commands for a session on any node of the fleet.
func (g *Gateway) serveEmulation(w http.ResponseWriter, r *http.Request) {
	if !onlyMethod(w, r, http.MethodPost) {
		return
	}
	// In JSON the frame stands in a string, where it is longer.
	body, err := g.options.Conns.ReadBody(w, r, 2*g.limits.FrameBytes)
	if err != nil {
		g.emulationResult("unreadable")
		return
	}
	request, err := protocol.DecodeEmulation(encodingOf(r), body)
	if err != nil {
		g.emulationResult("malformed")
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	taken, err := g.handOver(r.Context(), request)
	switch {
	case err != nil:
		g.emulationResult("unreachable")
		if g.mayLog() {
			g.log.Warn("commands for a session on another node were lost", "node", request.Node, "error", err)
		}
		http.Error(w, "the session's node does not answer", http.StatusBadGateway)
	case !taken:
		g.emulationResult("unknown_session")
		http.Error(w, "unknown session", http.StatusNotFound)
	default:
		g.emulationResult("taken")
		w.WriteHeader(http.StatusNoContent)
	}
}

func (g *Gateway) emulationResult(result string) { g.metrics.emulation.WithLabelValues(result).Inc() }

// handOver gives the commands to their session; false if there is none.
func (g *Gateway) handOver(ctx context.Context, request *protocol.EmulationRequest) (bool, error) {
	if request.Node == g.node {
		return g.deliver(request), nil
	}
	if !isNodeID(request.Node) {
		return false, nil
	}
	question := protocol.AppendEmulation(protocol.Protobuf, nil, request)
	answer, err := g.options.Log.Ask(ctx, request.Node, emulationQuestion, question)
	if errors.Is(err, backbone.ErrNoNode) {
		return false, nil
	}
	return string(answer) == string(emulationTaken), err
}

// isNodeID tells whether a node could have that id. It becomes a part of a subject, where not everything is harmless.
func isNodeID(id string) bool {
	other := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
	}
	return id != "" && len(id) <= 64 && !strings.ContainsFunc(id, other)
}

func (g *Gateway) deliver(request *protocol.EmulationRequest) bool {
	g.mu.Lock()
	s := g.emulated[request.Session]
	g.mu.Unlock()
	return s != nil && s.conn.Deliver(request.Data)
}

// answerEmulation answers another node's question.
func (g *Gateway) answerEmulation(_ context.Context, question []byte) ([]byte, error) {
	request, err := protocol.DecodeEmulation(protocol.Protobuf, question)
	if err != nil {
		return nil, err
	}
	if !g.deliver(request) {
		return emulationUnknown, nil
	}
	return emulationTaken, nil
}
