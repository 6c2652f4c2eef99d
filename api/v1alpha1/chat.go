package v1alpha1

import (
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// RoomsSpec is what holds for all rooms.
type RoomsSpec struct {
	// Explicit rooms have to be made before they can be used. Else a room that nobody has made is open to every signed-in user.
	// +kubebuilder:default=false
	// +optional
	Explicit bool `json:"explicit,omitempty"`
}

// AppLimits bound what one application may have in the whole fleet. What is absent or 0 has no limit.
type AppLimits struct {
	// App is the name of the application, at most 128 bytes, or * for all that are not named.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:XValidation:rule="size(bytes(self)) <= 128",message="must have at most 128 bytes of UTF-8"
	App string `json:"app"`

	// Rooms that have been made or joined; direct conversations and the names of deleted rooms count.
	// +kubebuilder:validation:Minimum=0
	// +optional
	Rooms int32 `json:"rooms,omitempty"`

	// MembersPerRoom is how many members a room may have.
	// +kubebuilder:validation:Minimum=0
	// +optional
	MembersPerRoom int32 `json:"membersPerRoom,omitempty"`

	// MessagesPerSecond of all users and servers of the application together, divided evenly between the nodes.
	// +kubebuilder:validation:Minimum=0
	// +optional
	MessagesPerSecond int32 `json:"messagesPerSecond,omitempty"`

	// Connections of the application, divided evenly between the nodes.
	// +kubebuilder:validation:Minimum=0
	// +optional
	Connections int32 `json:"connections,omitempty"`
}

// HookSecretReference names the secret, in the namespace of the ChatCluster, that requests to your programs are signed with.
type HookSecretReference struct {
	// Name of the secret.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`
	// Key within the secret.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:default=secret
	// +optional
	Key string `json:"key,omitempty"`
}

// HooksSpec are programs of yours that are told of what happens in rooms, or asked before it does.
//
// +kubebuilder:validation:XValidation:rule="has(self.webhook) || has(self.moderation)",message="webhook or moderation is needed: else there is nobody to tell or to ask"
type HooksSpec struct {
	// SecretRef names the secret that requests are signed with: 1 to 4 secrets of at least 32 bytes, one a line. A change is taken over
	// without a restart.
	SecretRef HookSecretReference `json:"secretRef"`

	// Webhook is told of what has happened.
	// +optional
	Webhook *WebhookSpec `json:"webhook,omitempty"`

	// Moderation is asked before a user's message or edit is accepted.
	// +optional
	Moderation *ModerationSpec `json:"moderation,omitempty"`
}

// HookURL is where a program of yours takes requests. It shows in the pods' arguments, so that no password belongs into it.
//
// +kubebuilder:validation:MaxLength=2048
// +kubebuilder:validation:XValidation:rule="self.matches('^https?://[^/?#@ ]+([/?#][^ ]*)?$') && isURL(self)",message="must be an http or https URL without a user and a password: requests are signed"
type HookURL string

// HookEvent is a type of event that rooms have.
// +kubebuilder:validation:Enum=message;edit;delete;reaction;member;room
type HookEvent string

// WebhookForm is what a webhook is posted.
// +kubebuilder:validation:Enum=Chatfleet;Chat21
type WebhookForm string

// The forms.
const (
	// WebhookFormChatfleet is chatfleet's own: events of rooms.
	WebhookFormChatfleet WebhookForm = "Chatfleet"
	// WebhookFormChat21 is that of chat21's webhooks.
	WebhookFormChat21 WebhookForm = "Chat21"
)

// WebhookSpec is a program that is told of what has happened, in order within each room, until it takes it.
type WebhookSpec struct {
	// URL that events are posted to.
	URL HookURL `json:"url"`

	// Form is what the program is posted: Chatfleet, or Chat21 for one that was told by chat21 before, which needs protocols.mqtt.
	// +kubebuilder:default=Chatfleet
	// +optional
	Form WebhookForm `json:"form,omitempty"`

	// Events to tell of.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:default={message, edit, delete, reaction, member, room}
	// +listType=set
	// +optional
	Events []HookEvent `json:"events,omitempty"`

	// Timeout is how long the program may take to answer.
	// +kubebuilder:default="5s"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^[0-9]') && self.matches('^([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,6}([.][0-9]{1,9})?s)?([0-9]{1,6}ms)?$') && duration(self) >= duration('10ms') && duration(self) <= duration('1m')",message="must be a duration between 10ms and 1m, such as 5s"
	// +optional
	Timeout *metav1.Duration `json:"timeout,omitempty"`

	// GiveUp is how long an event that isn't taken is tried again. Then it becomes a dead letter, and its room goes on.
	// +kubebuilder:default="1h"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^[0-9]') && self.matches('^([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,6}([.][0-9]{1,9})?s)?([0-9]{1,6}ms)?$') && duration(self) >= duration('1s') && duration(self) <= duration('168h')",message="must be a duration between 1s and 168h, such as 1h"
	// +optional
	GiveUp *metav1.Duration `json:"giveUp,omitempty"`
}

// FailurePolicy says what becomes of a message for which no verdict comes.
// +kubebuilder:validation:Enum=Refuse;Accept
type FailurePolicy string

// The failure policies.
const (
	// FailureRefuse has its sender try again.
	FailureRefuse FailurePolicy = "Refuse"
	// FailureAccept stores it as it is.
	FailureAccept FailurePolicy = "Accept"
)

// ModerationSpec is a program that is asked before a user's message or edit is accepted.
type ModerationSpec struct {
	// URL that questions are posted to.
	URL HookURL `json:"url"`

	// Timeout is how long the program may take to answer.
	// +kubebuilder:default="1s"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^[0-9]') && self.matches('^([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,6}([.][0-9]{1,9})?s)?([0-9]{1,6}ms)?$') && duration(self) >= duration('10ms') && duration(self) <= duration('4s')",message="must be a duration between 10ms and 4s, such as 500ms: clients wait for it, and give up after 5s"
	// +optional
	Timeout *metav1.Duration `json:"timeout,omitempty"`

	// FailurePolicy says what becomes of a message for which no verdict comes: Refuse has its sender try again, Accept stores it as it is.
	// +kubebuilder:default=Refuse
	// +optional
	FailurePolicy FailurePolicy `json:"failurePolicy,omitempty"`
}

// SearchEngine is what finds messages.
// +kubebuilder:validation:Enum=Embedded;Disabled
type SearchEngine string

// The engines.
const (
	// SearchEmbedded has each node keep an index of its share of the rooms.
	SearchEmbedded SearchEngine = "Embedded"
	// SearchDisabled finds nothing, and keeps no index.
	SearchDisabled SearchEngine = "Disabled"
)

// SearchSpec says whether messages can be searched for.
type SearchSpec struct {
	// Engine is Embedded if each node keeps an index of its share of the rooms, on a volume that goes with its pod and is made anew from the
	// backbone, or Disabled if nothing can be searched for.
	// +kubebuilder:default=Embedded
	// +optional
	Engine SearchEngine `json:"engine,omitempty"`

	// Size of the index of each node, about. Beyond it the oldest messages are not found. The volume may take twice as much.
	// +kubebuilder:default="1Gi"
	// +kubebuilder:validation:XValidation:rule="quantity(string(self)).compareTo(quantity('16Mi')) >= 0",message="must be at least 16Mi"
	// +optional
	Size resource.Quantity `json:"size,omitzero"`
}
