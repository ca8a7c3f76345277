package e2e

import (
	"fmt"
	"os"
	"strings"
)

// startNginx runs nginx with docs/integrations/nginx.conf, within the http block that
// a distribution's nginx.conf has around it.
func startNginx(e *edge) {
	site := e.config("nginx.conf", "site.conf",
		"listen 443 ssl", "listen 127.0.0.1:"+portOf(e.public)+" ssl", "127.0.0.1:4180", e.listen, "127.0.0.1:8080", e.app,
		"/etc/nginx/app.crt", e.dir+"/app.crt", "/etc/nginx/app.key", e.dir+"/app.key")
	e.runNginx("http {\n  access_log off;\n" + e.nginxPaths() + "  include " + site + ";\n}\n")
}

// startNginxStream runs nginx with docs/integrations/nginx-stream.conf.
func startNginxStream(e *edge) {
	site := e.config("nginx-stream.conf", "site.conf", "listen 443", "listen 127.0.0.1:"+portOf(e.public), "127.0.0.1:4180", e.listen)
	e.runNginx("load_module /usr/lib/nginx/modules/ngx_stream_module.so;\ninclude " + site + ";\n")
}

// nginxPaths keeps nginx within the test's folder.
func (e *edge) nginxPaths() string {
	var temporary strings.Builder
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		fmt.Fprintf(&temporary, "  %s_temp_path %s/%s;\n", kind, e.dir, kind)
	}
	return temporary.String()
}

// runNginx runs nginx with what stands beside its general settings.
func (e *edge) runNginx(blocks string) {
	user := ""
	if os.Getuid() == 0 {
		user = "user root;\n"
	}
	main := e.write("nginx.conf", blocks+user+"daemon off;\nworker_processes 1;\npid "+e.dir+"/nginx.pid;\nerror_log stderr;\nevents {}\n")
	start(e.t, "nginx", nil, e.program("nginx"), "-e", "stderr", "-p", e.dir, "-c", main)
}

// startHAProxy runs HAProxy with docs/integrations/haproxy.cfg and haproxy.lua.
func startHAProxy(e *edge) {
	lua := e.config("haproxy.lua", "sallyport.lua")
	main := e.config("haproxy.cfg", "haproxy.cfg",
		"bind :443", "bind 127.0.0.1:"+portOf(e.public), "127.0.0.1:4180", e.listen, "127.0.0.1:8080", e.app,
		"/etc/haproxy/app.pem", e.dir+"/app.pem", "/etc/haproxy/sallyport.lua", lua)
	start(e.t, "HAProxy", nil, e.program("haproxy"), "-db", "-f", main)
}

// startHAProxyTCP runs HAProxy with docs/integrations/haproxy-tcp.cfg, which sends
// version 2; startHAProxyTCP1 has it send version 1.
func startHAProxyTCP(e *edge) {
	main := e.config("haproxy-tcp.cfg", "haproxy.cfg", "bind :443", "bind 127.0.0.1:"+portOf(e.public), "127.0.0.1:4180", e.listen)
	start(e.t, "HAProxy", nil, e.program("haproxy"), "-db", "-f", main)
}

func startHAProxyTCP1(e *edge) {
	e.further = map[string][]string{"haproxy-tcp.cfg": {"send-proxy-v2", "send-proxy"}}
	startHAProxyTCP(e)
}

// startApache runs Apache with docs/integrations/apache.conf and apache.lua, after the
// modules that a distribution's configuration loads.
func startApache(e *edge) {
	lua := e.config("apache.lua", "sallyport.lua", "127.0.0.1:4180", e.listen)
	site := e.config("apache.conf", "site.conf",
		"*:443", "127.0.0.1:"+portOf(e.public), "127.0.0.1:4180", e.listen, "127.0.0.1:8080", e.app,
		"/etc/apache2/app.crt", e.dir+"/app.crt", "/etc/apache2/app.key", e.dir+"/app.key", "/etc/apache2/sallyport.lua", lua)
	var text strings.Builder
	for _, module := range []string{"mpm_event", "authz_core", "ssl", "socache_shmcb", "headers", "proxy", "proxy_http", "lua"} {
		fmt.Fprintf(&text, "LoadModule %s_module /usr/lib/apache2/modules/mod_%s.so\n", module, module)
	}
	user := ""
	if os.Getuid() == 0 {
		user = "User www-data\nGroup www-data\n"
	}
	fmt.Fprintf(&text, "%sServerRoot %s\nDefaultRuntimeDir %s\nPidFile %s/apache.pid\nMutex default\nErrorLog /dev/stderr\nServerName localhost\nListen 127.0.0.1:%s\nInclude %s\n",
		user, e.dir, e.dir, e.dir, portOf(e.public), site)
	start(e.t, "Apache", nil, e.program("apache2", "httpd"), "-D", "FOREGROUND", "-f", e.write("apache.conf", text.String()))
}

// startCaddy runs Caddy with docs/integrations/Caddyfile. What goes before it keeps Caddy
// on loopback and off the ports that tests cannot share.
func startCaddy(e *edge) {
	site := e.config("Caddyfile", "site.caddy",
		"https://app.example.com", e.public, "127.0.0.1:4180", e.listen, "127.0.0.1:8080", e.app,
		"/etc/caddy/app.crt", e.dir+"/app.crt", "/etc/caddy/app.key", e.dir+"/app.key")
	main := e.write("Caddyfile", "{\n\tadmin off\n\tdefault_bind 127.0.0.1\n\tauto_https disable_redirects\n}\nimport "+site+"\n")
	start(e.t, "Caddy", nil, e.program("caddy"), "run", "--adapter", "caddyfile", "--config", main)
}
