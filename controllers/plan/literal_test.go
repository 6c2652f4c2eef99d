package plan

import (
	"slices"
	"strings"
	"testing"

	"github.com/chatfleet/chatfleet/api/v1alpha1"
)

// expanded is what the kubelet makes of an argument or of a variable's value: $(NAME) is replaced and $$ is one dollar.
func expanded(text string) string {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(text, "$")
		b.WriteString(before)
		switch {
		case !found:
			return b.String()
		case strings.HasPrefix(after, "$"):
			after = after[1:]
			b.WriteByte('$')
		case strings.HasPrefix(after, "(") && strings.Contains(after, ")"):
			_, after, _ = strings.Cut(after, ")")
			b.WriteString("replaced")
		default:
			b.WriteByte('$')
		}
		text = after
	}
}

func TestWhatAUserWritesReachesTheNodeAsItIs(t *testing.T) {
	for _, text := range []string{"plain", "$", "a$$b", "$(POD_NAME)", "$$(POD_NAME)", "$$$(POD_NAME)", "ends$", "ends$$"} {
		c := lobby(external, func(c *v1alpha1.ChatCluster) {
			c.Spec.Auth.JWT = &v1alpha1.JWTSpec{JWKS: &v1alpha1.JWKSSpec{URL: "https://keys.example/" + text}, Issuer: text, Audience: text}
			c.Spec.Auth.Origins = []string{text}
			c.Spec.Nodes.Env = []v1alpha1.EnvVar{{Name: "A", Value: text}}
			c.Spec.Hooks = &v1alpha1.HooksSpec{
				Webhook:    &v1alpha1.WebhookSpec{URL: v1alpha1.HookURL("https://told.example/" + text)},
				Moderation: &v1alpha1.ModerationSpec{URL: v1alpha1.HookURL("https://asked.example/" + text)},
			}
			c.Spec.Protocols = &v1alpha1.ProtocolsSpec{
				Heimdallr: &v1alpha1.HeimdallrProtocol{App: text},
				Pull:      &v1alpha1.PullProtocol{App: text},
				Push:      &v1alpha1.PushProtocol{App: text},
				Comet:     &v1alpha1.CometProtocol{App: text, PasswordSecretRef: v1alpha1.CometSecretReference{Name: "comet"}},
			}
			c.Spec.Backbone.External.URLs = []string{"tls://a.example/" + text}
		})
		node := made(t, c).deployment(t).Spec.Template.Spec.Containers[0]
		var args []string
		for _, arg := range node.Args {
			args = append(args, expanded(arg))
		}
		for _, want := range []string{
			"--jwt-jwks-url=https://keys.example/" + text, "--jwt-issuer=" + text, "--jwt-audience=" + text, "--origins=" + text,
			"--nats-url=tls://a.example/" + text, "--name=replaced",
			"--heimdallr-app=" + text, "--pull-app=" + text, "--push-app=" + text, "--comet-app=" + text,
			"--webhook-url=https://told.example/" + text, "--moderation-url=https://asked.example/" + text,
		} {
			if !slices.Contains(args, want) {
				t.Errorf("no argument %s among %q", want, args)
			}
		}
		for _, e := range node.Env {
			if e.Name == "A" && expanded(e.Value) != text {
				t.Errorf("variable %q becomes %q", text, expanded(e.Value))
			}
		}
	}
}
