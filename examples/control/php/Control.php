<?php

/** The control API of `pusherctl serve`. */
final class Control
{
    public readonly string $pusherUrl;
    private readonly string $path;

    /** Creates an app that no other test process uses. */
    public function __construct()
    {
        $app = $this->call('POST', '/apps', []);
        $this->path = '/apps/' . $app['id'];
        $this->pusherUrl = $app['pusher_url'];
    }

    /** Returns the events on a channel, and waits up to 5 seconds until there are $count. */
    public function events(string $channel, int $count = 1): array
    {
        $query = http_build_query(['channel' => $channel, 'count' => $count, 'wait' => 5]);

        return $this->call('GET', "$this->path/events?$query")['events'];
    }

    public function failNext(array $failure = []): void
    {
        $this->call('POST', "$this->path/failures", $failure);
    }

    public function reset(): void
    {
        $this->call('POST', "$this->path/reset");
    }

    public function delete(): void
    {
        $this->call('DELETE', $this->path);
    }

    private function call(string $method, string $path, ?array $body = null): ?array
    {
        $headers = [];
        if (getenv('PUSHERCTL_CONTROL_TOKEN')) {
            $headers[] = 'Authorization: Bearer ' . getenv('PUSHERCTL_CONTROL_TOKEN');
        }
        $http = ['method' => $method, 'ignore_errors' => true];
        if ($body !== null) {
            $headers[] = 'Content-Type: application/json';
            $http['content'] = json_encode((object) $body, JSON_THROW_ON_ERROR);
        }
        $http['header'] = $headers;
        $base = getenv('PUSHERCTL_CONTROL') ?: 'http://127.0.0.1:6001/control';
        $text = file_get_contents($base . $path, false, stream_context_create(['http' => $http]));
        $status = (int) explode(' ', $http_response_header[0])[1];
        if ($status >= 300) {
            throw new RuntimeException("$method $path: $status $text");
        }

        return $text === '' ? null : json_decode($text, true, 512, JSON_THROW_ON_ERROR);
    }
}
