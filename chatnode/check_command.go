package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/chatfleet/chatfleet/chatnode/auth"
	"github.com/chatfleet/chatfleet/chatnode/check"
)

// checkUser is the user of tokens that a check signs itself.
const checkUser = "chatnode-check"

const checkHead = `chatnode check sends a message into a fleet in one place and sees it come out in another, if possible on another node. It prints one line.

  chatnode check --from http://127.0.0.1:8080                                       as an anonymous user, or with --token
  chatnode check --from https://chat.example --token-secret-file secret --timeout 10s

Each flag can also be given in the environment: --token as CHATNODE_CHECK_TOKEN.
`

// checkOptions are the flags of chatnode check.
type checkOptions struct {
	from, to, channel, ca                       string
	token, tokenFile                            string
	tokenSecretFile, tokenIssuer, tokenAudience string
	across                                      bool
	timeout                                     time.Duration
}

func (o *checkOptions) declare(f *flag.FlagSet) []section {
	d := &declaration{flags: f}
	d.begin("Where")
	d.str(&o.from, "from", "", "`address` that the message is sent to, such as http://host:8080")
	d.str(&o.to, "to", "", "`address` that it is received from (default: that of --from)")
	d.yes(&o.across, "across", "wait for another node, and fail if there is none")
	d.str(&o.channel, "channel", "", "`name` of the channel (default: a new room)")
	d.str(&o.ca, "ca", "", "`file` with the authorities that may have signed the certificate of an https address (default: those of the system)")
	d.dur(&o.timeout, "timeout", 30*time.Second, "how long all of it may take")
	d.begin("Who")
	d.str(&o.token, "token", "", "token of the `user`; others on this machine can read command lines, so better in the environment or a file")
	d.str(&o.tokenFile, "token-file", "", "`file` with the token")
	d.str(&o.tokenSecretFile, "token-secret-file", "", "`file` with the secret of HS256 tokens, to sign one for the user "+checkUser)
	d.str(&o.tokenIssuer, "token-issuer", "", "the issuer that the signed token names")
	d.str(&o.tokenAudience, "token-audience", "", "the audience that the signed token names")
	return d.sections
}

// runCheck is `chatnode check`.
func runCheck(ctx context.Context, args []string, env func(string) (string, bool), out io.Writer) error {
	var o checkOptions
	f := flag.NewFlagSet("chatnode check", flag.ContinueOnError)
	sections := o.declare(f)
	if err := parseFlags(f, args, "CHATNODE_CHECK_", env); errors.Is(err, flag.ErrHelp) {
		printHelp(out, checkHead, f, sections)
		return nil
	} else if err != nil {
		return err
	}
	if o.from == "" {
		return errors.New("check: --from says where to send; chatnode check --help lists what there is")
	}
	if o.to == "" {
		o.to = o.from
	}
	token, err := o.identity()
	if err != nil {
		return err
	}
	trust, err := o.trust()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	result, err := check.Run(ctx, check.Options{From: o.from, To: o.to, Across: o.across, Channel: o.channel, Token: token, TLS: trust})
	if err != nil && ctx.Err() != nil {
		return fmt.Errorf("check: no success within %v: %w", o.timeout, err)
	}
	if err != nil {
		return fmt.Errorf("check: %w", err)
	}
	_, err = fmt.Fprintln(out, result)
	return err
}

// identity is the token; empty for an anonymous user.
func (o *checkOptions) identity() (string, error) {
	switch {
	case o.token != "":
		return o.token, nil
	case o.tokenFile != "":
		raw, err := os.ReadFile(o.tokenFile)
		if err != nil {
			return "", fmt.Errorf("read the token: %w", err)
		}
		return string(bytes.TrimSpace(raw)), nil
	case o.tokenSecretFile != "":
		secret, err := os.ReadFile(o.tokenSecretFile)
		if err != nil {
			return "", fmt.Errorf("read the secret of tokens: %w", err)
		}
		signer, err := auth.NewDevelopment(auth.DevelopmentOptions{Secret: bytes.TrimSpace(secret), Issuer: o.tokenIssuer, Audience: o.tokenAudience})
		if err != nil {
			return "", fmt.Errorf("--token-secret-file: %w", err)
		}
		return signer.Token(checkUser, o.timeout+time.Minute)
	}
	return "", nil
}

func (o *checkOptions) trust() (*tls.Config, error) {
	if o.ca == "" {
		return nil, nil
	}
	pool, err := readAuthorities(o.ca)
	if err != nil {
		return nil, fmt.Errorf("read the authorities: %w", err)
	}
	return &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, nil
}

// readAuthorities reads certificates of authorities, at least one.
func readAuthorities(file string) (*x509.CertPool, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(raw) {
		return nil, fmt.Errorf("%s holds no certificate", file)
	}
	return pool, nil
}
