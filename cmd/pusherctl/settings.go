package main

import (
	"cmp"
	"crypto/x509"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"net/url"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/joho/godotenv"
	"github.com/spf13/cobra"
)

// globalFlags are the flags of all commands that name an app and its server. The values
// of settings are found with get.
type globalFlags struct {
	get             func(name string) string // the value of a flag on the command line, or ""
	cacert, envFile string
	timeout         time.Duration
	verbose         bool
}

const defaultEnvFile = ".env"

func (f *globalFlags) register(root *cobra.Command) {
	set := root.PersistentFlags()
	set.String("url", "", "app and server as `https://KEY:SECRET@HOST/apps/ID`")
	set.String("app-id", "", "`ID` of the app")
	set.String("key", "", "`key` of the app")
	set.String("secret", "", "`secret` of the app; other users of this machine can see flags")
	set.String("cluster", "", "`cluster` of Pusher, such as eu (default mt1)")
	set.String("host", "", "`host` of another server, such as localhost:6001")
	set.String("port", "", "`port` of the other server")
	set.String("scheme", "", "`scheme` of the other server: http or https (default https)")
	set.String("path-prefix", "", "`path` in front of the server's paths that is not signed, such as /reverb")
	set.String("encryption-master-key", "", "master `key` of encrypted channels: 32 bytes in base64")
	set.StringVar(&f.cacert, "cacert", "", "`file` with further trusted certificates, as PEM")
	set.StringVar(&f.envFile, "env-file", defaultEnvFile, "`file` with variables that the environment lacks")
	set.DurationVar(&f.timeout, "timeout", 5*time.Second, "time limit of a request")
	set.BoolVarP(&f.verbose, "verbose", "v", false, "log more to standard error")
	f.get = func(name string) string {
		if flag := set.Lookup(strings.TrimPrefix(name, "--")); flag != nil && flag.Changed {
			return flag.Value.String()
		}
		return ""
	}
}

// A setting is a value and where it was found, such as "--key", "PUSHER_APP_KEY" or
// "REVERB_APP_KEY in .env". The source of a default is "default".
type setting struct{ value, source string }

func (s setting) isSet() bool { return s.value != "" }

// settings are the app and the server that a command works with. The fields of the app
// are empty if they were not found: client and the other methods report it, because not
// every command needs all.
type settings struct {
	appID, key, secret setting

	// Either the cluster or the host is set. The port is empty for the default of the
	// scheme; the scheme is http or https.
	cluster, host, port, scheme setting

	basePath   setting // path of PUSHER_URL in front of /apps, which is signed
	pathPrefix setting // path that is not signed
	masterKey  setting // of encrypted channels, or empty

	timeout time.Duration
	roots   *x509.CertPool // nil for those of the system
	logger  *slog.Logger
}

// settings resolves the settings. It returns a usageError if one is malformed.
func (t *tool) settings() (*settings, error) {
	f := t.flags
	s := &settings{timeout: f.timeout}
	level := slog.LevelError // warnings repeat what commands print
	if f.verbose {
		level = slog.LevelDebug
	}
	s.logger = slog.New(slog.NewTextHandler(t.stderr, &slog.HandlerOptions{Level: level}))
	if f.cacert != "" {
		var err error
		if s.roots, err = readRoots(f.cacert); err != nil {
			return nil, err
		}
	}
	file, err := readEnvFile(f.envFile)
	if err != nil {
		return nil, err
	}
	environment, envFile := layer{os.Getenv, ""}, layer{file.get, " in " + f.envFile}
	family := "PUSHER_"
	for _, l := range []layer{environment, envFile} {
		if l.hasApp("PUSHER_") {
			break
		}
		if l.hasApp("REVERB_") {
			family = "REVERB_"
			break
		}
	}
	if err := errors.Join(s.fill(layer{f.get, ""}, "--"), s.fill(environment, family), s.fill(envFile, family)); err != nil {
		return nil, err
	}
	return s, s.complete()
}

// A layer is a place where settings are found.
type layer struct {
	get   func(name string) string
	place string // follows the name in a source
}

func (l layer) hasApp(family string) bool {
	for _, name := range []string{"URL", "APP_ID", "APP_KEY", "KEY", "APP_SECRET", "SECRET"} {
		if l.get(family+name) != "" {
			return true
		}
	}
	return false
}

// find returns the first of the names, after the prefix, that has a value. The prefix is
// that of a family of variables, or "--" for flags, whose names have dashes.
func (l layer) find(prefix string, names ...string) setting {
	for _, name := range names {
		if prefix == "--" {
			name = strings.ReplaceAll(strings.ToLower(name), "_", "-")
		}
		if value := l.get(prefix + name); value != "" {
			return setting{value, prefix + name + l.place}
		}
	}
	return setting{}
}

// fill sets what is not set yet; the variables are those of pusher.NewFromEnv. When a layer
// has set a host or a cluster, port and scheme of lower layers do not apply to it.
func (s *settings) fill(l layer, prefix string) error {
	addressFound := s.host.isSet() || s.cluster.isSet()
	if found := l.find(prefix, "URL"); found.isSet() {
		from, err := splitURL(found)
		if err != nil {
			return err
		}
		set(&s.appID, from.appID)
		set(&s.key, from.key)
		set(&s.secret, from.secret)
		if !addressFound {
			set(&s.host, from.host)
			set(&s.port, from.port)
			set(&s.scheme, from.scheme)
			set(&s.basePath, from.basePath)
			addressFound = true
		}
	}
	set(&s.appID, l.find(prefix, "APP_ID"))
	set(&s.key, l.find(prefix, "APP_KEY", "KEY"))
	set(&s.secret, l.find(prefix, "APP_SECRET", "SECRET"))
	set(&s.pathPrefix, l.find(prefix, "PATH_PREFIX", "SERVER_PATH"))
	set(&s.masterKey, l.find(prefix, "ENCRYPTION_MASTER_KEY"))
	if addressFound {
		return nil
	}
	set(&s.host, l.find(prefix, "HOST"))
	set(&s.port, l.find(prefix, "PORT"))
	set(&s.scheme, l.find(prefix, "SCHEME"))
	if !s.host.isSet() {
		set(&s.cluster, l.find(prefix, "APP_CLUSTER", "CLUSTER"))
	}
	return nil
}

func set(s *setting, found setting) {
	if !s.isSet() {
		*s = found
	}
}

// splitURL splits a PUSHER_URL. Its errors do not quote the URL, which contains the secret.
func splitURL(from setting) (*settings, error) {
	u, err := url.Parse(from.value)
	if err != nil {
		return nil, usagef("%s: want https://KEY:SECRET@HOST/apps/APP_ID", from.source)
	}
	base, appID, found := strings.Cut(strings.TrimSuffix(u.EscapedPath(), "/"), "/apps/")
	secret, _ := u.User.Password()
	if !found || u.Hostname() == "" || u.RawQuery != "" || u.Fragment != "" || secret == "" {
		return nil, usagef("%s: want https://KEY:SECRET@HOST/apps/APP_ID", from.source)
	}
	of := func(value string) setting { return setting{value, from.source} }
	return &settings{
		appID: of(appID), key: of(u.User.Username()), secret: of(secret),
		host: of(u.Hostname()), port: of(u.Port()), scheme: of(u.Scheme), basePath: of(base),
	}, nil
}

// clusterHost is the host of the HTTP API of a cluster.
var clusterHost = regexp.MustCompile(`^api(?:-([a-z0-9-]+))?\.pusher(?:app)?\.com$`)

// complete splits the host, checks the address and adds defaults.
func (s *settings) complete() error {
	if strings.Contains(s.host.value, "://") {
		return usagef("%s: want a host name without %s, and --scheme or PUSHER_SCHEME for the scheme", s.host.source, strings.SplitAfter(s.host.value, "://")[0])
	}
	if host, port, err := net.SplitHostPort(s.host.value); err == nil {
		if s.port.isSet() && s.port.source != s.host.source {
			return usagef("%s: the host already has a port", s.port.source)
		}
		s.port = setting{port, s.host.source}
		s.host.value = host
	}
	s.host.value = strings.Trim(s.host.value, "[]")
	if match := clusterHost.FindStringSubmatch(s.host.value); match != nil && !s.basePath.isSet() {
		s.cluster, s.host = setting{cmp.Or(match[1], "mt1"), s.host.source}, setting{}
	}
	set(&s.scheme, setting{"https", "default"})
	if s.scheme.value != "http" && s.scheme.value != "https" {
		return usagef("%s: want http or https", s.scheme.source)
	}
	if !s.host.isSet() {
		set(&s.cluster, setting{"mt1", "default"})
		if s.scheme.value == "https" && s.port.value == "443" { // as in the .env of a new Laravel app
			s.port = setting{}
		}
	}
	return nil
}

// baseURL returns the URL in front of /apps.
func (s *settings) baseURL() string {
	host := s.host.value
	if !s.host.isSet() {
		host = "api-" + s.cluster.value + ".pusher.com"
	}
	return s.scheme.value + "://" + s.hostPort(host) + s.basePath.value
}

// webSocketURL returns the URL that clients connect to. The key must be set.
func (s *settings) webSocketURL() string {
	scheme := strings.Replace(s.scheme.value, "http", "ws", 1)
	host := s.host.value
	if !s.host.isSet() {
		host = "ws-" + s.cluster.value + ".pusher.com"
	}
	return scheme + "://" + s.hostPort(host) + s.pathPrefix.value + s.basePath.value + "/app/" + url.PathEscape(s.key.value)
}

func (s *settings) hostPort(host string) string {
	if s.port.isSet() {
		return net.JoinHostPort(host, s.port.value)
	}
	if strings.Contains(host, ":") {
		return "[" + host + "]"
	}
	return host
}

// envFile has the variables of a file that are settings of an app.
type envFile map[string]string

func (f envFile) get(name string) string { return f[name] }

// readEnvFile returns the variables PUSHER_* and REVERB_* of a file. The default file may
// be missing. Errors of the parser quote the file, and so are not returned.
func readEnvFile(name string) (envFile, error) {
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) && name == defaultEnvFile {
		return nil, nil
	}
	if err != nil {
		return nil, usagef("--env-file: %w", err)
	}
	all, err := godotenv.UnmarshalBytes(text)
	if err != nil {
		return nil, usagef("%s is not a valid file of variables: want lines NAME=value, with quotes around values that contain # or spaces", name)
	}
	file := envFile{}
	for name, value := range all {
		if strings.HasPrefix(name, "PUSHER_") || strings.HasPrefix(name, "REVERB_") {
			file[name] = value
		}
	}
	return file, nil
}
