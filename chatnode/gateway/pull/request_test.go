package pull

import (
	"encoding/json"
	"testing"
	"unicode/utf8"
)

// curl --data says of every body that it is a form.
func TestABodyIsReadAsWhatItIsWhateverItsTypeSays(t *testing.T) {
	for _, kind := range []string{"", "application/json", "text/plain", "application/x-www-form-urlencoded", "application/x-www-form-urlencoded; charset=utf-8"} {
		if r, err := parse("chat=c:d", kind, []byte(` {"chat":"a:b"}`)); err != nil || r.Chat != "a:b" {
			t.Errorf("JSON as %q: %+v, %v", kind, r, err)
		}
	}
	if r, err := parse("chat=c:d", "application/x-www-form-urlencoded", []byte("chat=a%3Ab")); err != nil || r.Chat != "a:b" {
		t.Errorf("a form: %+v, %v", r, err)
	}
}

// FuzzRequest reads any query and any body, and has whatever comes of it understood by every dialect.
func FuzzRequest(f *testing.F) {
	f.Add("", "application/json", []byte(`{"chat":"a:b","text":"hi","sender":"a"}`))
	f.Add("chat=a%3Ab&cursor=0&limit=10&reverse=false", "", []byte(nil))
	f.Add("sender=a&receiver=b&text=hi", "text/plain", []byte(" "))
	f.Add("", "application/x-www-form-urlencoded; charset=utf-8", []byte("chat=a:b&limit=-1"))
	f.Add("", "application/json", []byte(`{"chat":`))
	f.Add("", "application/json", []byte(`{"limit":3000000000,"cursor":-9223372036854775808}`))
	f.Add("CHAT=:&limit=99999999999", "x", []byte(`{"Chat":"\ud800:é","reverse":1}`))
	f.Fuzz(func(t *testing.T, query, kind string, body []byte) {
		r, err := parse(query, kind, body)
		if err != nil {
			if err.Error() == "" {
				t.Fatal("an error without words")
			}
			return
		}
		for _, s := range []string{r.Chat, r.Text, r.Sender, r.Receiver} {
			if !utf8.ValidString(s) {
				t.Fatalf("%q is no text", s)
			}
		}
		for name, m := range manners {
			if s := m.span(r); s.limit < 1 || s.limit > mostLimit || s.from < 0 {
				t.Fatalf("dialect %s: %+v", name, s)
			}
			if p, err := m.placeOf(r.Chat); err == nil {
				if _, err := m.sender(p, r.Sender); err != nil && m.loose {
					t.Fatal(err)
				}
			}
			answer := m.body(r, m.span(r), &page{messages: []message{{micros: 1, text: quoted(r.Text), sender: quoted(r.Sender)}}})
			if !json.Valid(answer) {
				t.Fatalf("dialect %s: %s", name, answer)
			}
		}
	})
}
