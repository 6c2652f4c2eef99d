package centrifuge

import "github.com/chatfleet/chatfleet/chatnode/people"

// maxDeviceName is the length in bytes up to which a device's name is kept.
const maxDeviceName = 32

// Devices implements people.Devices: the name of a device is that of the connect command, and may be empty.
func (g *Gateway) Devices(app string, users []string) map[string][]string {
	found := map[string][]string{}
	for _, user := range users {
		for _, s := range g.people.Of(people.Person{App: app, User: user}) {
			found[user] = append(found[user], s.device)
		}
	}
	return found
}

// deviceName is what is kept of the name that a client gave itself.
func deviceName(name string) string {
	if len(name) > maxDeviceName {
		return ""
	}
	return name
}
