# The image of pusherctl. GoReleaser builds it: the folder named after the platform contains
# the binary, which is static and brings its own root certificates.
FROM scratch
ARG TARGETPLATFORM
COPY LICENSE bin/third-party-licenses.txt /
COPY $TARGETPLATFORM/pusherctl /pusherctl
USER 65532:65532
EXPOSE 6001
ENTRYPOINT ["/pusherctl"]
