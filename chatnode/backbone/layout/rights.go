package layout

// Rights are what a chat node may do on NATS, as subjects that it may publish to and subscribe to. Everything else is refused to it: to
// make, change or delete streams and buckets, to read or erase what is not the cluster's, to speak to the system.
type Rights struct {
	Publish, Subscribe []string
}

// Rights are those of the cluster's chat nodes: enough for everything that the backbone package does, and as little as subjects can
// express.
//
// What subjects can't express is left: a node may make any consumer of the cluster's streams, also one that isn't ephemeral, and may
// write under any key of the cluster's buckets.
func (l Layout) Rights() Rights {
	live := l.prefix + ".live.*.*.*.*"
	ask := l.prefix + ".ask.*.*"
	node := l.prefix + ".node.*.*"
	inboxes := l.Inbox("*") + ".>"
	r := Rights{
		Publish:   []string{live, ask, node, inboxes, l.Beacon(), "$JS.API.INFO"},
		Subscribe: []string{live, ask, node, inboxes, l.Beacon()},
	}
	for _, kind := range Kinds {
		r.Publish = append(r.Publish, l.prefix+"."+kind.String()+".*.*.*")
	}
	for _, shard := range l.All() {
		stream := l.Stream(shard)
		// By sequence from any replica or from the leader, and in order by a consumer.
		// Single messages are erased: those that were edited or deleted.
		r.Publish = append(r.Publish, info+stream, leaderGet+stream, directGet+stream, leaderDelete+stream,
			consumerCreate+stream+".*", consumerNext+stream+".*", consumerDelete+stream+".*")
	}
	for _, name := range Buckets {
		bucket := l.Bucket(name)
		r.Publish = append(r.Publish, "$KV."+bucket+".>", info+"KV_"+bucket)
	}
	for _, table := range Tables {
		stream := "KV_" + l.Bucket(table)
		// One row from the leader, many from any replica, and the keys that change by a consumer.
		r.Publish = append(r.Publish, leaderGet+stream, directGet+stream,
			consumerCreate+stream+".*", consumerNext+stream+".*", consumerDelete+stream+".*")
	}
	leases, index, presence := l.Bucket(Leases), l.Bucket(Index), l.Bucket(Presence)
	r.Publish = append(r.Publish,
		// The value of one key is asked for by its subject, that of the index from the leader.
		directGet+"KV_"+leases+".$KV."+leases+".>", directGet+"KV_"+index+".$KV."+index+".>", leaderGet+"KV_"+index,
		// Many keys at once. All are listed by a consumer that delivers to an inbox, whose flow the client controls.
		directGet+"KV_"+presence,
		consumerCreate+"KV_"+presence+".*.$KV."+presence+".>", consumerDelete+"KV_"+presence+".*", "$JS.FC.KV_"+presence+".>",
	)
	return r
}

// Subjects of JetStream's API, up to the name of the stream.
const (
	info           = "$JS.API.STREAM.INFO."
	leaderGet      = "$JS.API.STREAM.MSG.GET."
	leaderDelete   = "$JS.API.STREAM.MSG.DELETE."
	directGet      = "$JS.API.DIRECT.GET."
	consumerCreate = "$JS.API.CONSUMER.CREATE."
	consumerNext   = "$JS.API.CONSUMER.MSG.NEXT."
	consumerDelete = "$JS.API.CONSUMER.DELETE."
)
