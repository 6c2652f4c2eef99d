package ingress

import (
	"regexp"
	"strconv"
)

// prefix is that of the annotations of the well-known ingress controller whose class name is used here.
const prefix = "nginx.ingress.kubernetes.io/"

// settings are what the annotations of an Ingress say about its paths, with that controller's defaults.
type settings struct {
	ConnectTimeout int // seconds
	ReadTimeout    int // seconds
	SendTimeout    int // seconds
	BodySize       string
	Buffering      bool
	Redirect       bool
}

var bodySize = regexp.MustCompile(`^[0-9]+[kKmMgG]?$`)

// settingsOf reads the annotations; what it cannot read is as if it were not there.
func settingsOf(annotations map[string]string) settings {
	s := settings{ConnectTimeout: 5, ReadTimeout: 60, SendTimeout: 60, BodySize: "1m", Redirect: true}
	for name, value := range map[string]*int{
		"proxy-connect-timeout": &s.ConnectTimeout,
		"proxy-read-timeout":    &s.ReadTimeout,
		"proxy-send-timeout":    &s.SendTimeout,
	} {
		if seconds, err := strconv.Atoi(annotations[prefix+name]); err == nil && seconds > 0 {
			*value = seconds
		}
	}
	if size := annotations[prefix+"proxy-body-size"]; bodySize.MatchString(size) {
		s.BodySize = size
	}
	s.Buffering = annotations[prefix+"proxy-buffering"] == "on"
	s.Redirect = annotations[prefix+"ssl-redirect"] != "false"
	return s
}
