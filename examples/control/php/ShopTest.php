<?php

use PHPUnit\Framework\TestCase;

require_once __DIR__ . '/Control.php';
require_once __DIR__ . '/Shop.php';
require_once __DIR__ . '/SignedPublisher.php';

final class ShopTest extends TestCase
{
    private static Control $control;
    private Shop $shop;

    public static function setUpBeforeClass(): void
    {
        self::$control = new Control();
    }

    public static function tearDownAfterClass(): void
    {
        self::$control->delete();
    }

    protected function setUp(): void
    {
        $this->shop = new Shop(new SignedPublisher(self::$control->pusherUrl));
    }

    protected function tearDown(): void
    {
        self::$control->reset();
    }

    public function testPublishesAnOrder(): void
    {
        $this->shop->placeOrder(['id' => 7, 'total' => 1999]);

        [$event] = self::$control->events('orders');
        $this->assertSame('created', $event['name']);
        $this->assertSame(['id' => 7, 'total' => 1999], json_decode($event['data'], true));
    }

    public function testPublishesAnOrderThatWasPlacedWhilePusherFailed(): void
    {
        self::$control->failNext(['status' => 503, 'body' => "Service unavailable\n", 'path' => '/events']);
        $this->shop->placeOrder(['id' => 8]);
        $this->assertSame([['id' => 8]], $this->shop->unpublished);

        $this->shop->placeOrder(['id' => 9]);
        $ids = array_map(fn ($event) => json_decode($event['data'], true)['id'], self::$control->events('orders', 2));
        $this->assertSame([8, 9], $ids);
    }

    public function testPlacesAnOrderWhenTheConnectionIsLost(): void
    {
        self::$control->failNext();
        $this->shop->placeOrder(['id' => 10]);
        $this->assertSame([['id' => 10]], $this->shop->unpublished);
    }
}
