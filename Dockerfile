# syntax=docker/dockerfile:1

# The Go version is that of go.mod; a test keeps both equal.
FROM golang:1.26.8-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags "-s -w" -o /sallyport ./cmd/sallyport

# distroless/static holds CA certificates, time zones and /etc/passwd, no shell.
FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /sallyport /sallyport
USER 65532:65532
# 4180 is the proxy, 4190 the admin listener: metrics and health, not for the
# outside.
EXPOSE 4180 4190
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s --retries=3 CMD ["/sallyport", "health"]
ENTRYPOINT ["/sallyport"]
