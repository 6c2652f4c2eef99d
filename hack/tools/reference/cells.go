package main

import (
	"fmt"
	"strings"
)

// kind is the type of a field as a user sees it, with its limits.
func kind(p schema, f field) string {
	base := p.Type
	switch {
	case p.XIntOrString:
		base = "quantity"
	case strings.HasSuffix(f.foreign, " Duration"):
		base = "duration"
	case p.Format == "date-time":
		base = "time"
	case p.Items != nil && p.Items.Schema != nil:
		base = "list of " + kind(*p.Items.Schema, f)
	case p.AdditionalProperties != nil && p.AdditionalProperties.Schema != nil:
		base = "map of " + kind(*p.AdditionalProperties.Schema, f)
	case p.Type == "object" && f.foreign != "":
		base = f.foreign
	}
	if len(p.Enum) > 0 {
		var values []string
		for _, value := range p.Enum {
			values = append(values, "`"+strings.Trim(string(value.Raw), `"`)+"`")
		}
		return strings.Join(values, ", ")
	}
	return base + limits(p)
}

func limits(p schema) string {
	switch {
	case p.Minimum != nil && p.Maximum != nil:
		return fmt.Sprintf(", %g to %g", *p.Minimum, *p.Maximum)
	case p.MinItems != nil && p.MaxItems != nil:
		return fmt.Sprintf(", %d to %d", *p.MinItems, *p.MaxItems)
	case p.MaxItems != nil:
		return fmt.Sprintf(", at most %d", *p.MaxItems)
	case p.MaxProperties != nil:
		return fmt.Sprintf(", at most %d", *p.MaxProperties)
	case p.Pattern != "" && !p.XIntOrString:
		return ", `" + strings.ReplaceAll(p.Pattern, "|", `\|`) + "`"
	}
	return ""
}

// defaultOf is the default, unless it is an object that is filled in field by field.
func defaultOf(p schema) string {
	if p.Default == nil || string(p.Default.Raw) == "{}" {
		return ""
	}
	return "`" + strings.Trim(string(p.Default.Raw), `"`) + "`"
}

// meaning is the description, and the rules of this field alone.
func meaning(p schema) string {
	text := oneLine(p.Description)
	if p.Properties == nil {
		for _, rule := range p.XValidations {
			text += " *" + sentence(rule.Message) + ".*"
		}
	}
	return strings.ReplaceAll(text, "|", `\|`)
}
