package mqtt

import "github.com/chatfleet/chatfleet/chatnode/people"

// deviceName is what every client of chat21 is called as a device: it says nothing of what it runs on.
const deviceName = "chat21"

// Devices implements people.Devices.
func (g *Gateway) Devices(app string, users []string) map[string][]string {
	found := map[string][]string{}
	for _, user := range users {
		for range g.people.Of(people.Person{App: app, User: user}) {
			found[user] = append(found[user], deviceName)
		}
	}
	return found
}
