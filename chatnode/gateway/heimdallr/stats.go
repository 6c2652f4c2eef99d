package heimdallr

import (
	"cmp"
	"net/http"
	"slices"
)

// allRooms is the property of a count of everybody.
const allRooms = "All"

// Which users of a room are counted. Nobody says who they are here, so that all are guests.
const (
	everybody = 1
	nobody    = 0
)

// user is one connection, as statistics show it.
type user struct {
	ID   uint64 `json:"id"`
	Nick string `json:"nick"`
}

// counted is how many users there are on this node.
func (g *Gateway) counted() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.count
}

// total is a count of users.
func (g *Gateway) total(r *http.Request, property string, users int) any {
	return struct {
		answered
		Property string `json:"prop"`
		Total    int    `json:"total"`
		Members  int    `json:"member"`
		Guests   int    `json:"guest"`
	}{answeredBy(r, toMinute), property, users, nobody, users}
}

// counts are the numbers of users by room, times share.
func (g *Gateway) counts(share int) map[string]int {
	g.mu.Lock()
	defer g.mu.Unlock()
	counts := make(map[string]int, len(g.rooms))
	for room, sessions := range g.rooms {
		counts[room] = share * len(sessions)
	}
	return counts
}

func (g *Gateway) countRooms(r *http.Request, share int) any {
	return struct {
		answered
		Count map[string]int `json:"count"`
	}{answeredBy(r, toMinute), g.counts(share)}
}

func (g *Gateway) countRoom(r *http.Request) any {
	room, ok := roomOf("/" + r.PathValue("room"))
	if ok {
		g.mu.Lock()
		users := len(g.rooms[room])
		g.mu.Unlock()
		if users > 0 {
			return g.total(r, room, users)
		}
	}
	return g.noRoom(r)
}

// noRoom is spelled as heimdallr spells it.
func (g *Gateway) noRoom(r *http.Request) any {
	return g.because(r, "R#"+r.PathValue("room")+" does not exgist !")
}

// users lists the users of all rooms, or of one if it is named, oldest first.
func (g *Gateway) users(only string) map[string][]user {
	g.mu.Lock()
	defer g.mu.Unlock()
	all := map[string][]user{}
	for room, sessions := range g.rooms {
		if only != "" && room != only {
			continue
		}
		for s := range sessions {
			all[room] = append(all[room], user{ID: s.number})
		}
		slices.SortFunc(all[room], func(a, b user) int { return cmp.Compare(a.ID, b.ID) })
	}
	return all
}

func (g *Gateway) everything(r *http.Request) any {
	return struct {
		answered
		Count map[string]int    `json:"count"`
		Rooms map[string][]user `json:"rooms"`
	}{answeredBy(r, toSecond), g.counts(everybody), g.users("")}
}

type roomList struct {
	answered
	Rooms map[string][]user `json:"rooms"`
}

func (g *Gateway) listRooms(r *http.Request) any {
	return roomList{answeredBy(r, toSecond), g.users("")}
}

func (g *Gateway) listRoom(r *http.Request) any {
	room, ok := roomOf("/" + r.PathValue("room"))
	if users := g.users(room); ok && len(users) > 0 {
		return roomList{answeredBy(r, toSecond), users}
	}
	return g.noRoom(r)
}
