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
		r.Publish = append(r.Publish, readRights(stream)...)
		r.Publish = append(r.Publish, consumerRights(stream)...)
	}
	for _, name := range Buckets {
		bucket := l.Bucket(name)
		r.Publish = append(r.Publish, "$KV."+bucket+".>")
		r.Publish = append(r.Publish, readRights("KV_"+bucket)...)
		// The last value of a key is asked for by its subject.
		r.Publish = append(r.Publish, "$JS.API.DIRECT.GET.KV_"+bucket+".$KV."+bucket+".>")
	}
	// Keys are listed by a consumer of the bucket that delivers to an inbox and controls its flow.
	stream := "KV_" + l.Bucket(Presence)
	r.Publish = append(r.Publish, consumerRights(stream)...)
	r.Publish = append(r.Publish, "$JS.API.CONSUMER.CREATE."+stream+".*.>", "$JS.API.CONSUMER.INFO."+stream+".*", "$JS.FC."+stream+".>")
	return r
}

// readRights let a node read a stream by sequence, from any replica or from its leader, and know its state.
func readRights(stream string) []string {
	return []string{"$JS.API.STREAM.INFO." + stream, "$JS.API.STREAM.MSG.GET." + stream, "$JS.API.DIRECT.GET." + stream}
}

// consumerRights let a node read a stream in order.
func consumerRights(stream string) []string {
	return []string{
		"$JS.API.CONSUMER.CREATE." + stream + ".*", "$JS.API.CONSUMER.MSG.NEXT." + stream + ".*", "$JS.API.CONSUMER.DELETE." + stream + ".*",
	}
}
