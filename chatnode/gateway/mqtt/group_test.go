package mqtt

import (
	"testing"
)

// label is the key of a message's or a notification's label.
func label(t testing.TB, in any) any {
	t.Helper()
	holder, ok := in.(object)
	if !ok {
		t.Fatalf("%v has no label", in)
	}
	return holder["messagelabel"].(object)["key"]
}

// hearLabel hears a message of the system.
func (c *rawClient) hearLabel(group, key string) {
	c.t.Helper()
	c.wantLabel(c.hear("messages/"+group+"/clientadded"), group, key)
}

// hearChange hears a message of the system and the group, with what the two say of it.
func (c *rawClient) hearChange(group, key string) (message, changed object) {
	c.t.Helper()
	message, changed = c.hearBoth("messages/"+group+"/clientadded", "groups/"+group+"/clientupdated")
	c.wantLabel(message, group, key)
	return message, changed
}

func (c *rawClient) wantLabel(m object, group, key string) {
	c.t.Helper()
	has(c.t, m, object{"sender": "system", "sender_fullname": "System", "recipient": group, "status": 150, "channel_type": "group"})
	if got := label(c.t, m["attributes"]); got != key {
		c.t.Fatalf("%v, want %s", m, key)
	}
}

func TestAGroupLivesAsItsOwnersWant(t *testing.T) {
	n := startNode(t, nil)
	eachTransport(t, n, func(t *testing.T, via transport) {
		id := "group-" + via.name
		ann, bob, carl := n.connect(t, via, "ann"+via.name, 0), n.connect(t, via, "bob"+via.name, 0), n.connect(t, via, "carl"+via.name, 0)
		path := "tilechat/groups/" + id

		made := n.ok(t, 201, "POST", "tilechat/groups", ann.user,
			object{"group_id": id, "group_name": "Friends", "group_members": object{bob.user: 1}, "attributes": object{"a": 1}})
		document := made["group"].(object)
		has(t, document, object{"uid": id, "name": "Friends", "owner": ann.user, "appId": "tilechat"})
		if members := document["members"].(object); len(members) != 2 || members[ann.user] != 1.0 || members[bob.user] != 1.0 {
			t.Errorf("members %v", members)
		}
		for _, each := range []*rawClient{ann, bob} {
			each.hearLabel(id, "GROUP_CREATED")
			each.hearLabel(id, "MEMBER_JOINED_GROUP")
			each.hearLabel(id, "MEMBER_JOINED_GROUP")
		}

		bob.say(id, object{"text": "hello", "channel_type": "direct"}) // the id makes it a group's
		for _, each := range []*rawClient{ann, bob} {
			has(t, each.hear("messages/"+id+"/clientadded"),
				object{"text": "hello", "sender": bob.user, "recipient": id, "status": 150, "channel_type": "group"})
		}
		has(t, results(t, n.ok(t, 200, "GET", "tilechat/"+ann.user+"/conversations/"+id+"/messages", ann.user, nil))[0],
			object{"text": "hello", "conversWith": id, "status": 150})

		n.ok(t, 405, "POST", path+"/members", bob.user, object{"member_id": carl.user})
		n.ok(t, 405, "POST", path+"/members", ann.user, object{"member_id": bob.user})
		n.ok(t, 401, "GET", path, carl.user, nil)
		n.ok(t, 200, "POST", path+"/members", ann.user, object{"member_id": carl.user})
		for _, each := range []*rawClient{ann, bob} {
			_, changed := each.hearChange(id, "MEMBER_JOINED_GROUP")
			if key := label(t, changed["notification"]); key != "MEMBER_JOINED_GROUP" {
				t.Errorf("notification %v", key)
			}
		}
		wantJoined(t, carl, id)
		has(t, n.ok(t, 200, "GET", path, carl.user, nil)["result"].(object), object{"name": "Friends"})

		n.ok(t, 200, "PUT", path, ann.user, object{"group_name": "Enemies"})
		n.ok(t, 200, "PUT", path+"/attributes", ann.user, object{"attributes": object{"a": 2}})
		for _, each := range []*rawClient{ann, bob, carl} {
			renamed, changed := each.hear("groups/"+id+"/clientupdated"), each.hear("groups/"+id+"/clientupdated")
			has(t, renamed, object{"name": "Enemies"})
			if label(t, renamed["notification"]) != "DATA_UPDATED_GROUP" || label(t, changed["notification"]) != "ATTRIBUTES_UPDATED_GROUP" ||
				changed["attributes"].(object)["a"] != 2.0 {
				t.Errorf("%v, then %v", renamed, changed)
			}
		}

		n.ok(t, 405, "DELETE", path+"/members/"+bob.user, carl.user, nil)
		n.ok(t, 200, "DELETE", path+"/members/"+bob.user, ann.user, nil)
		for _, each := range []*rawClient{ann, carl} {
			left, _ := each.hearChange(id, "MEMBER_LEFT_GROUP")
			has(t, left, object{"text": bob.user + " removed from group"})
		}
		bob.hear("groups/" + id + "/clientupdated")
		ann.say(id, object{"text": "without bob", "channel_type": "group"})
		for _, each := range []*rawClient{ann, carl} {
			has(t, each.hear("messages/"+id+"/clientadded"), object{"text": "without bob"})
		}
		bob.wantNothing()

		n.ok(t, 405, "PUT", path+"/members", ann.user, object{"members": object{ann.user: 1, carl.user: 1}})
		n.ok(t, 200, "PUT", path+"/members", ann.user, object{"members": object{ann.user: 1}})
		n.ok(t, 401, "GET", path, carl.user, nil)
	})
}

// wantJoined hears what a new member does: that it was added, the history, and the group. The history is told apart from what is live, so
// the two may come in any order.
func wantJoined(t *testing.T, c *rawClient, id string) {
	t.Helper()
	var live, history, told int
	for live+history+told < 1+4+1 {
		select {
		case m := <-c.published:
			o := c.opened(m)
			switch {
			case o["__history"] == "true":
				history++
				has(t, o, object{"status": 150})
				if o["attributes"].(object)["sendnotification"] != false {
					t.Errorf("history %v", o)
				}
			case o["message_id"] != nil:
				live++
				if label(t, o["attributes"]) != "MEMBER_JOINED_GROUP" {
					t.Errorf("message %v", o)
				}
			default:
				told++
				has(t, o, object{"uid": id})
			}
		case <-t.Context().Done():
			t.Fatal("the test ended")
		}
	}
	if live != 1 || history != 4 || told != 1 {
		t.Errorf("%d live messages, %d of the history, the group %d times", live, history, told)
	}
}

func TestAMessageToNoGroupMakesOne(t *testing.T) {
	n := startNode(t, nil)
	ann, bob := n.connect(t, transports[0], "ann", 0), n.connect(t, transports[0], "bob", 0)
	ann.say("support-group-1", object{"text": "is anybody there"})
	has(t, ann.hear("messages/support-group-1/clientadded"), object{"text": "is anybody there", "status": 150})
	ann.say("group-2", object{"text": "with bob", "group": object{"uid": "group-2", "members": object{"bob": 1, "ann": 1}}})
	for _, each := range []*rawClient{ann, bob} {
		has(t, each.hear("messages/group-2/clientadded"), object{"text": "with bob", "group": nil})
	}
	bob.say("group-2", object{"text": "not for ann", "attributes": object{"hiddenFor": "ann"}})
	has(t, bob.hear("messages/group-2/clientadded"), object{"text": "not for ann"})
	ann.wantNothing()
}
