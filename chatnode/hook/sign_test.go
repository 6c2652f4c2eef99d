package hook

import (
	"strings"
	"testing"
	"time"
)

var (
	secret  = []byte("a secret of thirty-two bytes, 1.")
	another = []byte("a secret of thirty-two bytes, 2.")
)

func TestASignatureHoldsForItsSecretBodyAndTimeOnly(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	body := []byte(`{"app":"default"}`)
	both := Sign([][]byte{another, secret}, now, body)
	for name, c := range map[string]struct {
		secret []byte
		header string
		now    time.Time
		body   string
		ok     bool
	}{
		"its own":             {secret, Sign([][]byte{secret}, now, body), now, string(body), true},
		"first of two":        {another, both, now, string(body), true},
		"second of two":       {secret, both, now, string(body), true},
		"a little late":       {secret, both, now.Add(time.Minute), string(body), true},
		"a little early":      {secret, both, now.Add(-time.Minute), string(body), true},
		"another secret":      {another, Sign([][]byte{secret}, now, body), now, string(body), false},
		"another body":        {secret, both, now, string(body) + " ", false},
		"too late":            {secret, both, now.Add(time.Hour), string(body), false},
		"too early":           {secret, both, now.Add(-time.Hour), string(body), false},
		"another time":        {secret, strings.Replace(both, "t=17", "t=18", 1), time.Unix(1_800_000_000, 0), string(body), false},
		"no header":           {secret, "", now, string(body), false},
		"no signature":        {secret, "t=1700000000", now, string(body), false},
		"no time":             {secret, both[strings.Index(both, "v1"):], now, string(body), false},
		"not hexadecimal":     {secret, "t=1700000000,v1=zz", now, string(body), false},
		"an empty signature":  {secret, "t=1700000000,v1=", now, string(body), false},
		"of an unknown kind":  {secret, strings.ReplaceAll(both, "v1=", "v0="), now, string(body), false},
		"an unknown kind too": {secret, strings.Replace(both, ",", ",v9=00,", 1), now, string(body), true},
	} {
		if err := Verify(c.secret, c.header, c.now, 5*time.Minute, []byte(c.body)); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSecretsStandOneALine(t *testing.T) {
	one, two := string(secret), string(another)
	for name, c := range map[string]struct {
		content string
		want    int
	}{
		"one":             {one, 1},
		"with a newline":  {one + "\n", 1},
		"two":             {"\n" + one + "\r\n  " + two + "\n\n", 2},
		"none":            {"\n \n", 0},
		"too short":       {one + "\nshort\n", 0},
		"too many":        {strings.Repeat(one+"\n", 5), 0},
		"as many as fit":  {strings.Repeat(one+"\n", 4), 4},
		"an empty string": {"", 0},
	} {
		secrets, err := ParseSecrets([]byte(c.content))
		if len(secrets) != c.want || (err == nil) != (c.want > 0) {
			t.Errorf("%s: %d secrets, %v", name, len(secrets), err)
		}
		if err != nil && strings.Contains(err.Error(), "short\n") {
			t.Errorf("%s: the error tells the secret: %v", name, err)
		}
	}
	if secrets, err := ParseSecrets([]byte(one + "\n" + two)); err != nil || string(secrets[0]) != one || string(secrets[1]) != two {
		t.Errorf("%q %v", secrets, err)
	}
}
