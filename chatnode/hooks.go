package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/chat"
	"github.com/chatfleet/chatfleet/chatnode/gateway/mqtt/chat21"
	"github.com/chatfleet/chatfleet/chatnode/hook"
)

// hookOptions say which of the operator's own programs are told of what happens, and asked before it does.
type hookOptions struct {
	webhookURL, secretFile, webhookEvents string
	webhookForm                           string
	webhookTimeout, giveUp                time.Duration
	moderationURL, moderationFailure      string
	moderationTimeout                     time.Duration
}

func (o *hookOptions) declare(d *declaration) {
	d.begin("Telling and asking your own programs")
	d.str(&o.webhookURL, "webhook-url", "", "`address` that is posted what happens in rooms, in order, until it takes it")
	d.str(&o.secretFile, "webhook-secret-file", "", "`file` with the secrets, one a line, that requests to --webhook-url and --moderation-url are signed with; read again when it changes")
	d.str(&o.webhookEvents, "webhook-events", strings.Join(hook.Types, ","), "which events --webhook-url is told of, a comma-separated `list`")
	d.str(&o.webhookForm, "webhook-form", formOwn, "`form` of what --webhook-url is posted: chatfleet, or chat21 for what was told by that before; see chatnode/gateway/mqtt/README.md")
	d.dur(&o.webhookTimeout, "webhook-timeout", 5*time.Second, "how long --webhook-url may take to answer")
	d.dur(&o.giveUp, "webhook-give-up", time.Hour, "how long an event is tried again before it becomes a dead letter and its room goes on")
	d.str(&o.moderationURL, "moderation-url", "", "`address` that is asked before a user's message or edit is accepted")
	d.dur(&o.moderationTimeout, "moderation-timeout", time.Second, "how long --moderation-url may take to answer")
	d.str(&o.moderationFailure, "moderation-failure", "refuse", "`refuse` or accept messages for which no verdict comes")
}

// Forms of what the webhook is posted.
const (
	formOwn    = "chatfleet"
	formChat21 = "chat21"
)

// forChat21 says whether there is a webhook that is told what chat21 told.
func (o *hookOptions) forChat21() bool { return o.webhookURL != "" && o.webhookForm == formChat21 }

func (o *hookOptions) check(chat21 bool) error {
	var errs []error
	must := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	for name, address := range map[string]string{"webhook-url": o.webhookURL, "moderation-url": o.moderationURL} {
		if address == "" {
			continue
		}
		must(o.secretFile != "", "--%s needs --webhook-secret-file, to sign requests with", name)
		if err := hook.CheckURL(address); err != nil {
			errs = append(errs, fmt.Errorf("--%s: %w", name, err))
		}
	}
	types := list(o.webhookEvents)
	must(len(types) > 0, "--webhook-events names no event")
	for _, t := range types {
		must(slices.Contains(hook.Types, t), "--webhook-events are some of %s, and not %q", strings.Join(hook.Types, ", "), t)
	}
	must(o.webhookForm == formOwn || o.webhookForm == formChat21, "--webhook-form is chatfleet or chat21, not %q", o.webhookForm)
	must(o.webhookForm != formChat21 || chat21, "--webhook-form=chat21 needs clients of chat21: --mqtt-listen or --mqtt-http-listen")
	for name, d := range map[string]time.Duration{
		"webhook-timeout": o.webhookTimeout, "webhook-give-up": o.giveUp, "moderation-timeout": o.moderationTimeout,
	} {
		must(d > 0, "--%s is more than nothing", name)
	}
	must(o.moderationFailure == "accept" || o.moderationFailure == "refuse", "--moderation-failure is accept or refuse, not %q", o.moderationFailure)
	return errors.Join(errs...)
}

// openHooks makes ready to ask moderation and to sign what the webhook is told, as far as there are any.
func (n *node) openHooks() error {
	o := n.o.hooks
	if o.webhookURL == "" && o.moderationURL == "" {
		return nil
	}
	secrets, err := follow("secrets of webhooks", func() ([][]byte, error) {
		content, err := os.ReadFile(o.secretFile)
		if err != nil {
			return nil, err
		}
		return hook.ParseSecrets(content)
	}, n.log, o.secretFile)
	if err != nil {
		return err
	}
	n.hookSecrets = secrets.current
	if o.moderationURL != "" {
		n.moderation, err = hook.NewGate(hook.GateOptions{
			URL: o.moderationURL, Secrets: secrets.current, Timeout: o.moderationTimeout, AcceptOnFailure: o.moderationFailure == "accept",
			Registerer: n.registry,
		})
		if err != nil {
			return err
		}
	}
	return err
}

// openWebhook begins to tell the webhook, if there is one. What it is told may need the gateways.
func (n *node) openWebhook() (err error) {
	o := n.o.hooks
	if o.webhookURL == "" {
		return nil
	}
	events := hook.EventsOptions{
		URL: o.webhookURL, Secrets: n.hookSecrets, Types: list(o.webhookEvents), Timeout: o.webhookTimeout, GiveUp: o.giveUp,
		Logger: n.log, Registerer: n.registry,
	}
	if o.forChat21() {
		i := slices.IndexFunc(n.protocols, func(p protocolGateway) bool { _, ok := p.(*mqttPorts); return ok })
		events.Form, events.Beside = n.protocols[i].(*mqttPorts).gateway.WebhookForm, chat21.BesideRooms
	}
	n.events, err = hook.NewEvents(n.messages, events)
	return err
}

// gate is what chat asks before it stores an event; nil if nobody is to be asked.
func (n *node) gate() chat.Gate {
	if n.moderation == nil {
		return nil
	}
	return func(ctx context.Context, app, room string, event []byte) (chat.Verdict, error) {
		v, err := n.moderation.Check(ctx, app, room, event)
		return chat.Verdict(v), err
	}
}

// closeWebhook ends the requests that are out; what was not taken is told again by the next owner of its shard.
func (n *node) closeWebhook() {
	if n.events != nil {
		n.events.Close()
	}
}

func (n *node) closeModeration() {
	if n.moderation != nil {
		n.moderation.Close()
	}
}

// letters gives chat what the webhook did not take; nil if there is none.
func (n *node) letters() chat.Letters {
	if n.o.hooks.webhookURL == "" {
		return nil
	}
	return func(ctx context.Context, q chat.LetterQuestion) ([]*chatv1.DeadLetter, uint64, error) {
		ask := n.events.Letters
		if q.Retry {
			ask = n.events.Retry
		}
		page, err := ask(ctx, hook.LetterQuestion{App: q.App, Room: q.Room, After: q.After, Limit: q.Limit})
		if err != nil {
			return nil, 0, err
		}
		told := make([]*chatv1.DeadLetter, len(page.Letters))
		for i, l := range page.Letters {
			told[i] = &chatv1.DeadLetter{Room: l.Room, Offset: l.Offset, Error: l.Error, Time: l.Time}
		}
		return told, page.Next, nil
	}
}
