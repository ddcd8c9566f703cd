<?php

/** The app under test: a shop that publishes its orders. */
final class Shop
{
    public array $unpublished = [];

    public function __construct(private readonly SignedPublisher $pusher)
    {
    }

    /** Publishes the order, now or with the next one. */
    public function placeOrder(array $order): void
    {
        $this->unpublished[] = $order;
        while ($this->unpublished) {
            try {
                $this->pusher->trigger('orders', 'created', $this->unpublished[0]);
            } catch (RuntimeException) {
                return; // the order is placed anyway
            }
            array_shift($this->unpublished);
        }
    }
}
