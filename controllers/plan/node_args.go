package plan

import (
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/chatfleet/chatfleet/api/v1alpha1"
)

// Where secrets and the limits of applications are mounted in chat nodes.
const (
	nodeTLSDir     = "/etc/chatnode/tls"
	clientTLSDir   = "/etc/chatnode/client-tls"
	jwtDir         = "/etc/chatnode/jwt"
	natsTLSDir     = "/etc/chatnode/nats-tls"
	credentialsDir = "/etc/chatnode/nats-credentials"
	serverKeysDir  = "/etc/chatnode/server-keys"
	hooksDir       = "/etc/chatnode/hooks"
	limitsDir      = "/etc/chatnode/app-limits"

	jwtFile         = "secret"
	credentialsFile = "nats.creds"
	serverKeysFile  = "server-keys"
	hooksFile       = "secret"
	limitsFile      = "apps.json"
)

// privateNetworks are those that pods and nodes of a cluster have their addresses in.
const privateNetworks = "10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,100.64.0.0/10,fc00::/7"

// nodeArgs is the command line of a chat node. What stands here can't be overridden by the environment.
func (r rendering) nodeArgs() []string {
	c := r.c
	args := []string{
		"--name=$(POD_NAME)",
		"--listen=:" + strconv.Itoa(clientPort),
		"--admin-listen=:" + strconv.Itoa(nodeAdminPort),
		"--admin-tls-cert=" + nodeTLSDir + "/tls.crt",
		"--admin-tls-key=" + nodeTLSDir + "/tls.key",
		"--admin-client-ca=" + nodeTLSDir + "/ca.crt",
		"--drain-period=" + c.Spec.Drain.Period.Duration.String(),
		"--streams=expect",
		"--prefix=" + Prefix(c),
		"--shards=" + strconv.Itoa(int(c.Spec.Backbone.Shards)),
		"--log-format=json",
	}
	args = append(args, r.natsArgs()...)
	args = append(args, accessArgs(c)...)
	args = append(args, chatArgs(c)...)
	return append(args, protocolArgs(c)...)
}

// natsArgs say how a node reaches the backbone.
func (r rendering) natsArgs() []string {
	args := []string{"--nats-url=" + literal(strings.Join(BackboneURLs(r.c), ","))}
	if managed(r.c) {
		return append(args,
			"--nats-ca="+nodeTLSDir+"/ca.crt", "--nats-cert="+nodeTLSDir+"/tls.crt", "--nats-key="+nodeTLSDir+"/tls.key",
			"--durability="+strings.ToLower(string(Durability(r.c))))
	}
	external := r.c.Spec.Backbone.External
	if external.CredentialsSecretRef != nil {
		args = append(args, "--nats-creds="+credentialsDir+"/"+credentialsFile)
	}
	if external.TLSSecretRef != nil {
		args = append(args, "--nats-ca="+natsTLSDir+"/ca.crt")
		if r.observed.ClientCertificate {
			args = append(args, "--nats-cert="+natsTLSDir+"/tls.crt", "--nats-key="+natsTLSDir+"/tls.key")
		}
	}
	return args
}

// accessArgs say who may come in.
func accessArgs(c *v1alpha1.ChatCluster) (args []string) {
	if c.Spec.Exposure.TLSSecretName != "" {
		args = append(args, "--tls-cert="+clientTLSDir+"/tls.crt", "--tls-key="+clientTLSDir+"/tls.key")
	}
	auth := c.Spec.Auth
	if jwt := auth.JWT; jwt != nil {
		if jwt.SecretRef != nil {
			args = append(args, "--jwt-hmac-secret-file="+jwtDir+"/"+jwtFile)
		}
		if jwt.JWKS != nil {
			args = append(args, "--jwt-jwks-url="+jwt.JWKS.URL)
		}
		if jwt.Issuer != "" {
			args = append(args, "--jwt-issuer="+jwt.Issuer)
		}
		if jwt.Audience != "" {
			args = append(args, "--jwt-audience="+jwt.Audience)
		}
	}
	if auth.ServerKeysSecretRef != nil {
		args = append(args, "--server-keys-file="+serverKeysDir+"/"+serverKeysFile)
	}
	if auth.Anonymous {
		args = append(args, "--anonymous")
	}
	if len(auth.OpenChannels) > 0 {
		args = append(args, "--open-channels="+strings.Join(auth.OpenChannels, ","))
	}
	if len(auth.Origins) > 0 {
		args = append(args, "--origins="+strings.Join(auth.Origins, ","))
	}
	for i, arg := range args {
		args[i] = literal(arg)
	}
	return args
}

// literal has the kubelet, which replaces $(NAME) and takes $$ for one dollar, leave what a user has written as it is.
func literal(text string) string { return strings.ReplaceAll(text, "$", "$$") }

// nodeEnv is the environment of a chat node: what the spec adds, and what it has not said.
func (r rendering) nodeEnv() []corev1.EnvVar {
	env := []corev1.EnvVar{podName()}
	for _, e := range r.c.Spec.Nodes.Env {
		if !has(env, e.Name) {
			env = append(env, corev1.EnvVar{Name: e.Name, Value: literal(e.Value)})
		}
	}
	if limit, ok := goMemory(r.c.Spec.Nodes.Resources); ok && !has(env, limit.Name) {
		env = append(env, limit)
	}
	// Behind an Ingress or a Gateway every connection comes from its pods, whose addresses nobody knows beforehand.
	proxies := corev1.EnvVar{Name: "CHATNODE_TRUSTED_PROXIES", Value: privateNetworks}
	if e := r.c.Spec.Exposure; (e.Ingress != nil || e.Gateway != nil) && !has(env, proxies.Name) {
		env = append(env, proxies)
	}
	return env
}

// mounted is a volume and where it is mounted.
type mounted struct {
	volume corev1.Volume
	path   string
}

// nodeFiles are the secrets and the limits that a chat node reads. It follows their changes, so that a rotation restarts nothing.
func (r rendering) nodeFiles() []mounted {
	c := r.c
	files := []mounted{{secretVolume("tls", r.names.NodeTLS), nodeTLSDir}}
	if name := c.Spec.Exposure.TLSSecretName; name != "" {
		files = append(files, mounted{secretVolume("client-tls", name), clientTLSDir})
	}
	if jwt := c.Spec.Auth.JWT; jwt != nil && jwt.SecretRef != nil {
		files = append(files, mounted{secretVolume("jwt", jwt.SecretRef.Name, item(jwt.SecretRef.Key, jwtFile)), jwtDir})
	}
	if ref := c.Spec.Auth.ServerKeysSecretRef; ref != nil {
		files = append(files, mounted{secretVolume("server-keys", ref.Name, item(ref.Key, serverKeysFile)), serverKeysDir})
	}
	files = append(files, r.chatFiles()...)
	files = append(files, protocolFiles(c)...)
	if external := c.Spec.Backbone.External; !managed(c) {
		if ref := external.CredentialsSecretRef; ref != nil {
			files = append(files, mounted{secretVolume("nats-credentials", ref.Name, item(ref.Key, credentialsFile)), credentialsDir})
		}
		if ref := external.TLSSecretRef; ref != nil {
			files = append(files, mounted{secretVolume("nats-tls", ref.Name), natsTLSDir})
		}
	}
	return files
}

// item is one key of a secret, and the file that it is mounted as; the key is named like the file by default.
func item(key, file string) corev1.KeyToPath {
	if key == "" {
		key = file
	}
	return corev1.KeyToPath{Key: key, Path: file}
}
