package pull

import (
	"regexp"
	"strings"
	"testing"
	"time"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/chat"
	"github.com/chatfleet/chatfleet/test/wait"
)

// exchange is a request and the answer to it, in which times are T.
type exchange struct {
	method, path, body string
	status             int
	kind, answer       string
}

var times = regexp.MustCompile(`("(?:send_time)":)\d{10,16}\b|("next_cursor":)\d{10,16}\b`)

func play(t *testing.T, c *client, exchanges []exchange) {
	t.Helper()
	for _, e := range exchanges {
		a := c.do(t, e.method, e.path, e.body)
		got := times.ReplaceAllString(a.body, "$1${2}T")
		if a.status != e.status || a.kind != e.kind || got != e.answer {
			t.Errorf("%s %s %s\nanswers %d %s %s\nwant    %d %s %s", e.method, e.path, e.body, a.status, a.kind, got, e.status, e.kind, e.answer)
		}
	}
}

const none = ""

func TestDialectAIsThatOfTheSeed(t *testing.T) {
	c := startStack(t).serve(t, DialectA)
	if a := c.do(t, "GET", "/ping", ""); a.header.Get("Server") != "hertz" {
		t.Errorf("the header Server is %q", a.header.Get("Server"))
	}
	play(t, c, []exchange{
		{"GET", "/ping", "", 200, isJSON, `{"message":"pong"}`},
		{"POST", "/ping", "", 404, "text/plain", "404 page not found"},
		{"GET", "/", "", 404, "text/plain", "404 page not found"},
		{"GET", "/api/send", "", 404, "text/plain", "404 page not found"},
		{"POST", "/api/pull", `{"chat":"a1:b"}`, 404, "text/plain", "404 page not found"},
		{"HEAD", "/ping", "", 404, "text/plain", ""},
		{"GET", "/api/pull", `{"chat":"a1:b","limit":10}`, 200, isJSON, `{}`},
		{"POST", "/api/send", `{"chat":"a1:b","text":"one","sender":"a1"}`, 201, plain, "ok"},
		{"POST", "/api/send", `{"Chat":"a1:b","TEXT":"<2> & \u2028é","sender":"b","other":[1]}`, 201, plain, "ok"},
		{"POST", "/api/send", `{"chat":"a1:b","text":"3","sender":"stranger"}`, 201, plain, "ok"},
		{"POST", "/api/send", `{"chat":"a1:b"}`, 201, plain, "ok"},
		{"POST", "/api/send", `{"chat":"no pair","text":"x","sender":"y"}`, 201, plain, "ok"},
		{"GET", "/api/pull", `{"chat":"a1:b","limit":10}`, 200, isJSON, `{"messages":[{"chat":"a1:b","text":"one","sender":"a1","send_time":T},` +
			`{"chat":"a1:b","text":"\u003c2\u003e \u0026 \u2028é","sender":"b","send_time":T},` +
			`{"chat":"a1:b","text":"3","sender":"stranger","send_time":T},{"chat":"a1:b","send_time":T}]}`},
		{"GET", "/api/pull", `{"chat":"a1:b","limit":2}`, 200, isJSON, `{"messages":[{"chat":"a1:b","text":"one","sender":"a1","send_time":T},` +
			`{"chat":"a1:b","text":"\u003c2\u003e \u0026 \u2028é","sender":"b","send_time":T}],"has_more":true,"next_cursor":T}`},
		{"GET", "/api/pull", `{"chat":"a1:b","limit":2,"reverse":true}`, 200, isJSON, `{"messages":[` +
			`{"chat":"a1:b","text":"\u003c2\u003e \u0026 \u2028é","sender":"b","send_time":T},` +
			`{"chat":"a1:b","text":"one","sender":"a1","send_time":T}],"has_more":true,"next_cursor":T}`},
		{"GET", "/api/pull", `{"chat":"no pair","limit":10}`, 200, isJSON, `{"messages":[{"chat":"no pair","text":"x","sender":"y","send_time":T}]}`},
		{"GET", "/api/pull", `{"chat":"no pair","limit":-1}`, 200, isJSON, `{"messages":[{"chat":"no pair","text":"x","sender":"y","send_time":T}],"has_more":true}`},
		{"GET", "/api/pull", `{"chat":"no pair","limit":1,"cursor":-1}`, 200, isJSON, `{"messages":[{"chat":"no pair","text":"x","sender":"y","send_time":T}],"has_more":true}`},
		{"GET", "/api/pull", `{"chat":"no pair"}`, 200, isJSON, `{"has_more":true}`},
		{"GET", "/api/pull", `{"chat":"nobody:here"}`, 200, isJSON, `{}`},
		{"GET", "/api/pull", `{"chat":"no pair","limit":1,"cursor":99999999999}`, 200, isJSON, `{}`},
		{"POST", "/api/send", `{"chat":`, 400, plain, `Failed to parse request body: "Syntax error at index 8: eof\n\n\t{\"chat\":\n\t........^\n"`},
		{"GET", "/api/pull", `{"limit":3000000000}`, 400, plain, "Failed to parse request body: json: cannot unmarshal 3000000000 into Go value of type int32"},
		{"POST", "/api/send", `{"chat":1}`, 400, plain, `Failed to parse request body: Mismatch type string with value number "at index 9"`},
	})
}

func TestSecondsOfDialectAAreThoseOfTheMessages(t *testing.T) {
	s := startStack(t)
	c := s.serve(t, DialectA)
	before := time.Now().Unix()
	c.say(t, "a:b", "a", "x")
	if p := c.fetch(t, "a:b", before-1, 10, false); len(p.Messages) != 1 || p.Messages[0].SendTime < before || p.Messages[0].SendTime > time.Now().Unix()+1 {
		t.Errorf("%+v, sent at %d", p, before)
	}
}

func TestDialectBIsThatOfItsServers(t *testing.T) {
	c := startStack(t).serve(t, DialectB)
	biz := "remote or network error[remote]: biz error: "
	one := `{"chat":"A1:b","text":"one","sender":"A1","send_time":T}`
	two := `{"chat":"A1:b","text":"two","sender":"b","send_time":T}`
	three := `{"chat":"A1:b","text":"two","sender":"b","send_time":T}`
	play(t, c, []exchange{
		{"POST", "/api/send", `{"chat":"A1:b","text":"one","sender":"A1"}`, 200, none, ""},
		{"POST", "/api/send", `{"chat":"b:a1","text":"two","sender":"b"}`, 200, none, ""},
		{"POST", "/api/send", `{"chat":"B:a1","text":"two","sender":"b"}`, 500, plain, biz + "Sender 'b' is not in the chat room"},
		{"POST", "/api/send", `{"chat":"b:a1","text":"two","sender":"b"}`, 200, none, ""}, // the same again is another message
		{"POST", "/api/send", `{"chat":"x","text":"one","sender":"x"}`, 500, plain, biz + "Invalid Chat ID 'x', should be in the format of user1:user2"},
		{"GET", "/api/pull", `{"chat":"a:b:c"}`, 500, plain, biz + "Invalid Chat ID 'a:b:c', should be in the format of user1:user2"},
		{"POST", "/api/send", `{"chat":"a1:b","text":"one","sender":"zz"}`, 500, plain, biz + "Sender 'zz' is not in the chat room"},
		{"GET", "/api/pull", `{"chat":"A1:b"}`, 200, isJSON, `{"messages":[` + one + "," + two + "," + three + `]}`},
		{"GET", "/api/pull", `{"chat":"A1:b","limit":2}`, 200, isJSON, `{"messages":[` + one + "," + two + `],"has_more":true,"next_cursor":2}`},
		{"GET", "/api/pull", `{"chat":"A1:b","limit":2,"cursor":2}`, 200, isJSON, `{"messages":[` + three + `]}`},
		{"GET", "/api/pull", `{"chat":"A1:b","limit":2,"reverse":true}`, 200, isJSON, `{"messages":[` + three + "," + two + `],"has_more":true,"next_cursor":2}`},
		{"GET", "/api/pull", `{"chat":"A1:b","limit":2,"cursor":2,"reverse":true}`, 200, isJSON, `{"messages":[` + one + `]}`},
		{"GET", "/api/pull", `{"chat":"A1:b","limit":-1}`, 200, isJSON, `{"has_more":true,"next_cursor":-1}`},
		{"GET", "/api/pull", `{"chat":"A1:b","cursor":3}`, 200, isJSON, `{}`},
		{"GET", "/api/pull", `{"chat":"A1:b","cursor":3,"reverse":true}`, 200, isJSON, `{}`},
		{"GET", "/api/pull", `{"chat":"no:body"}`, 200, isJSON, `{}`},
	})
}

func TestDialectCTakesTheQuery(t *testing.T) {
	c := startStack(t).serve(t, DialectC)
	play(t, c, []exchange{
		{"POST", "/api/send?chat=a:b&sender=a&text=hi%20there", "", 200, none, ""},
		{"POST", "/api/send?sender=b&receiver=a&text=%3Cyes%3E", "", 200, none, ""},
		{"POST", "/api/send?sender=B&receiver=a&text=other", "", 200, none, ""},
		{"GET", "/api/pull?chat=a%3Ab&cursor=0&limit=10&reverse=false", "", 200, isJSON,
			`{"messages":[{"chat":"a:b","text":"hi there","sender":"a","send_time":T},{"chat":"a:b","text":"\u003cyes\u003e","sender":"b","send_time":T}]}`},
		{"GET", "/api/pull?chat=a%3Ab&limit=1&reverse=true", "", 200, isJSON,
			`{"messages":[{"chat":"a:b","text":"\u003cyes\u003e","sender":"b","send_time":T}],"has_more":true,"next_cursor":T}`},
		{"GET", "/api/pull?chat=a%3Ab&limit=x", "", 400, plain, "Failed to parse request body: limit: invalid syntax"},
		{"GET", "/api/pull?chat=%ff:b", "", 400, plain, "Failed to parse request body: what is sent must be UTF-8"},
	})
}

func TestTheDefaultReadsEveryClientAndSaysWhatIsWrong(t *testing.T) {
	c := startStack(t).serve(t, Default)
	play(t, c, []exchange{
		{"POST", "/api/send", `{"CHAT":"Ann:bob","Text":"json","sender":"Ann"}`, 200, none, ""},
		{"POST", "/api/send?chat=bob:ann&sender=bob&text=query", "", 200, none, ""},
		{"GET", "/api/pull?chat=ann:BOB", "", 200, isJSON,
			`{"messages":[{"chat":"ann:BOB","text":"json","sender":"Ann","send_time":T},{"chat":"ann:BOB","text":"query","sender":"bob","send_time":T}]}`},
		{"POST", "/api/send", `{"chat":"ann:bob","text":"x","sender":"cid"}`, 400, plain, "Sender 'cid' is not in the chat room"},
		{"POST", "/api/send", `{"chat":"ann","text":"x","sender":"ann"}`, 400, plain, "Invalid Chat ID 'ann', should be in the format of user1:user2"},
		{"POST", "/api/send", `{"chat":"ann:bob","sender":"ann"}`, 400, plain, "the text is empty"},
		{"POST", "/api/send", `{"chat":"ann:bob","sender":"ann","text":"` + strings.Repeat("a", 16<<10+1) + `"}`, 400, plain, "the text has more than 16384 bytes"},
		{"GET", "/api/pull?chat=" + strings.Repeat("a", 129) + ":b", "", 400, plain, "the name of a user has at most 128 bytes"},
		{"GET", "/api/pull?chat=ann:%00", "", 400, plain, "the name of a user must not begin with a zero byte"},
	})
	a := c.do(t, "GET", "/ping", "")
	if a.header.Get("Server") != "" {
		t.Errorf("the header Server is %q", a.header.Get("Server"))
	}
}

func TestMessagesOfNativeClientsAppearAndOursAppearThere(t *testing.T) {
	s := startStack(t)
	c := s.serve(t, Default)
	c.say(t, "ann:bob", "ann", "from a puller")
	room := chat.Direct("ann", "bob")
	sent := s.native(t, "bob", room, "from a native client")
	for range 4 { // from the log, and then from memory
		c.fetch(t, "ann:bob", 0, 10, false)
	}
	eventually := func(want string) {
		t.Helper()
		wait.Eventually(t, time.Minute, "a page with "+want, func() string {
			p := c.fetch(t, "bob:ann", 0, 10, false)
			if got := strings.Join(p.texts(), ", "); got != want {
				return "it has " + got
			}
			return ""
		})
	}
	eventually("from a puller, from a native client")
	bob := chat.Actor{App: chat.DefaultApp, User: "bob"}
	page, err := s.chat.Messages(t.Context(), bob, &chatv1.MessagesRequest{Room: room})
	if err != nil || len(page.GetMessages()) != 2 || page.GetMessages()[0].GetText() != "from a puller" || page.GetMessages()[0].GetSender() != "ann" {
		t.Fatalf("a native client sees %v, %v", page, err)
	}
	edited := "edited"
	if _, err := s.chat.Edit(t.Context(), bob, &chatv1.EditRequest{Id: "e", Room: room, Offset: sent.GetOffset(), Text: &edited}); err != nil {
		t.Fatal(err)
	}
	eventually("from a puller, edited")
	s.native(t, "bob", room, "one more")
	eventually("from a puller, edited, one more")
	if _, err := s.chat.Delete(t.Context(), bob, &chatv1.DeleteRequest{Id: "d", Room: room, Offset: sent.GetOffset()}); err != nil {
		t.Fatal(err)
	}
	eventually("from a puller, one more")
}
