package main

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
)

// nginxConfig is one process: %[1]s is where it listens, %[2]s the app, %[3]s what
// belongs to the location, %[4]s what stands beside it. The access log is written, as
// that of the others is.
const nginxConfig = `daemon off;
master_process off;
worker_processes 1;
pid nginx.pid;
events { worker_connections 4096; }
http {
	access_log /dev/null;
	client_body_temp_path body;
	proxy_temp_path proxy;
	fastcgi_temp_path fastcgi;
	uwsgi_temp_path uwsgi;
	scgi_temp_path scgi;
	keepalive_requests 1000000;
	large_client_header_buffers 4 32k;
	upstream app { server %[2]s; keepalive 128; }
	server {
		listen %[1]s;
		proxy_http_version 1.1;
		location / {
			proxy_set_header Host $http_host;
			proxy_set_header Connection "";
			proxy_set_header X-Forwarded-For $remote_addr;
			proxy_set_header X-Forwarded-Proto $scheme;
			proxy_set_header X-Forwarded-Host $http_host;
%[3]s			proxy_pass http://app;
		}
%[4]s	}
%[5]s}
`

// nginxAsks has nginx ask Sallyport about each request, over connections that
// stay open, and tell the app of the answer.
const nginxAsks = `			auth_request /asked;
			auth_request_set $email $upstream_http_x_auth_request_email;
			auth_request_set $assertion $upstream_http_x_sallyport_assertion;
			proxy_set_header X-Forwarded-Email $email;
			proxy_set_header X-Sallyport-Assertion $assertion;
`

const nginxAsked = `		location = /asked {
			internal;
			proxy_pass http://sallyport/oauth2/auth;
			proxy_pass_request_body off;
			proxy_set_header Host $http_host;
			proxy_set_header Connection "";
			proxy_set_header Content-Length "";
			proxy_set_header X-Original-Method $request_method;
			proxy_set_header X-Original-URL $scheme://$http_host$request_uri;
		}
`

const nginxUpstream = "	upstream sallyport { server %s; keepalive 128; }\n"

// startNginx starts it twice: alone, and asking Sallyport.
func (s *proxies) startNginx(ctx context.Context, w *world) error {
	binary, err := findServer("nginx")
	if err != nil {
		return err
	}
	app := strings.TrimPrefix(w.upstream, "http://")
	start := func(name, within, beside, outside string) (*process, error) {
		addr, err := w.freeAddress()
		if err != nil {
			return nil, err
		}
		files := map[string]string{"nginx.conf": fmt.Sprintf(nginxConfig, addr, app, within, beside, outside)}
		return w.server(ctx, name, addr, files, func(dir string) *exec.Cmd {
			return exec.CommandContext(ctx, binary, "-p", dir, "-c", "nginx.conf", "-e", errorLog)
		})
	}
	plain, err := start("nginx, plain", "", "", "")
	if err != nil {
		return err
	}
	asking, err := start("nginx auth_request + Sallyport", nginxAsks, nginxAsked, fmt.Sprintf(nginxUpstream, s.forward.addr))
	if err != nil {
		return err
	}
	s.peers = append(s.peers,
		peer{name: plain.name, on: []*process{plain}},
		peer{name: asking.name, on: []*process{asking, s.forward.process}, host: s.forward.addr, cookie: s.forward.cookie, identity: s.forward.email, vouched: true})
	return nil
}
