package chat21

import "strings"

// UserTopics is where everything lies that a user is told.
func UserTopics(app, user string) string { return "apps/" + app + "/users/" + user + "/" }

// plain says whether a name can be a level of a topic.
func plain(name string) bool { return name != "" && !strings.ContainsAny(name, "/+#\x00") }

// Level is a name as a level of a topic: names of other protocols may have what a topic must not.
func Level(name string) string {
	if plain(name) {
		return name
	}
	return levelEscapes.Replace(name)
}

// Unlevel is the inverse of Level.
func Unlevel(text string) string {
	if !strings.Contains(text, "%") {
		return text
	}
	return levelUnescapes.Replace(text)
}

var (
	levelEscapes   = strings.NewReplacer("/", "%2F", "+", "%2B", "#", "%23", "\x00", "%00")
	levelUnescapes = strings.NewReplacer("%2F", "/", "%2B", "+", "%23", "#", "%00", "\x00")
)
