<?php

/**
 * Publishes with the standard library alone. Real apps use the package
 * pusher/pusher-php-server, whose class Pusher has the same method trigger.
 */
final class SignedPublisher
{
    private readonly array $url;

    public function __construct(string $url)
    {
        $this->url = parse_url($url);
    }

    /** @throws RuntimeException if the event was not accepted */
    public function trigger(string $channel, string $event, array $data): void
    {
        ['scheme' => $scheme, 'host' => $host, 'port' => $port, 'user' => $key, 'pass' => $secret, 'path' => $path] = $this->url;
        $body = json_encode(['name' => $event, 'channels' => [$channel], 'data' => json_encode($data)]);
        $query = "auth_key=$key&auth_timestamp=" . time() . '&auth_version=1.0&body_md5=' . md5($body);
        $signature = hash_hmac('sha256', "POST\n$path/events\n$query", $secret);
        $http = ['method' => 'POST', 'header' => 'Content-Type: application/json', 'content' => $body];
        $response = @file_get_contents("$scheme://$host:$port$path/events?$query&auth_signature=$signature", false, stream_context_create(['http' => $http]));
        if ($response === false) {
            throw new RuntimeException('the event was not accepted: ' . ($http_response_header[0] ?? 'no response'));
        }
    }
}
