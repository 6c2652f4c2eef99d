package v1alpha1_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/chatfleet/chatfleet/api/v1alpha1"
	"github.com/chatfleet/chatfleet/test/kube"
)

func TestMain(m *testing.M) { kube.Main(m) }

// ruleCase is a spec that the API server refuses, and the nearest one that it takes. Specs are YAML.
type ruleCase struct {
	name string
	from string // what is stored before, if the rule is about a change
	bad  string
	good string
	want string // what the API server says of bad, a line per field
}

func TestTheServerRefusesWhatBreaksARule(t *testing.T) {
	c := kube.Start(t)
	for i, test := range slices.Concat(specRules, backboneRules, accessRules, chatRules, protocolRules) {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			object := cluster(t, c.Namespace, fmt.Sprintf("rule-%d", i), test.from)
			write := c.Client.Create
			if test.from != "" {
				if err := c.Client.Create(t.Context(), object); err != nil {
					t.Fatalf("store what is changed: %v", err)
				}
				write = func(ctx context.Context, o client.Object, _ ...client.CreateOption) error {
					return c.Client.Update(ctx, o)
				}
			}
			object.Object["spec"] = parse(t, test.bad)
			if got := complaint(write(t.Context(), object)); got != test.want {
				t.Errorf("the server says\n%s\nwant\n%s", got, test.want)
			}
			object.Object["spec"] = parse(t, test.good)
			if err := write(t.Context(), object); err != nil {
				t.Errorf("the server refuses what is right: %v", err)
			}
		})
	}
}

// place is where in a list something stands.
var place = regexp.MustCompile(`\[\d+\]`)

// A rule that no case breaks is a rule that nobody has seen work.
func TestEveryRuleHasACase(t *testing.T) {
	said := map[string]bool{} // by field and message, without the kind of complaint and the value between them
	for _, test := range slices.Concat(specRules, backboneRules, accessRules, chatRules, protocolRules) {
		for line := range strings.Lines(test.want) {
			field, text, _ := strings.Cut(strings.TrimSpace(line), ": ")
			field = place.ReplaceAllString(field, "[]")
			for before := 0; before >= 0; {
				said[field+": "+text] = true
				if before = strings.Index(text, ": "); before >= 0 {
					text = text[before+2:]
				}
			}
		}
	}
	rules := 0
	walk(definition(t).Spec.Versions[0].Schema.OpenAPIV3Schema, "", func(path string, p property) {
		for _, rule := range p.XValidations {
			rules++
			if path != "" && !said[path+rule.FieldPath+": "+rule.Message] {
				t.Errorf("no case breaks the rule of %s that says %q", path, rule.Message)
			}
		}
	})
	if rules < 20 {
		t.Errorf("found only %d rules", rules)
	}
}

// cluster is a ChatCluster with this spec, as a user writes it.
func cluster(t *testing.T, namespace, name, spec string) *unstructured.Unstructured {
	t.Helper()
	object := &unstructured.Unstructured{Object: map[string]any{}}
	object.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("ChatCluster"))
	object.SetNamespace(namespace)
	object.SetName(name)
	if spec != "" {
		object.Object["spec"] = parse(t, spec)
	}
	return object
}

func parse(t *testing.T, text string) map[string]any {
	t.Helper()
	parsed := map[string]any{}
	if err := yaml.Unmarshal([]byte(text), &parsed); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return parsed
}

// complaint is what the API server says of an object that is invalid: a sorted line for each field.
func complaint(err error) string {
	var status apierrors.APIStatus
	if !errors.As(err, &status) || !apierrors.IsInvalid(err) {
		return fmt.Sprintf("not invalid: %v", err)
	}
	var lines []string
	for _, cause := range status.Status().Details.Causes {
		if strings.Contains(cause.Message, "some validation rules were not checked") {
			continue // those of CEL, which come after the rest of the schema
		}
		lines = append(lines, cause.Field+": "+cause.Message)
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}
