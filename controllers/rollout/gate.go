// Package rollout decides which server of a backbone may be restarted now. In go the pods as Kubernetes sees them and the gate: what NATS
// says of itself; out comes the name of one pod, or the reason why none may go. It is pure.
package rollout

// Gate is what the servers of a managed backbone say of each other.
type Gate struct {
	// Healthy says that losing one server costs nothing: all of them answer, there is a meta leader, and every replica of every stream has
	// all that its leader has.
	Healthy bool
	// Why it isn't healthy, for people.
	Why string
	// MetaLeader is the name of the server that places streams; empty if there is none, or only one server.
	MetaLeader string
	// Servers that answered.
	Servers []Server
}

// Server is one NATS server.
type Server struct {
	// Name of the server: that of its pod, a dash, and six hexadecimal digits that are made up with its volume.
	Name string
	// Pod is its pod's name.
	Pod string
	// Current says that the server has all that the leaders of its Raft groups have.
	Current bool
}
