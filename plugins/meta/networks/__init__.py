"""Networks: batched over tasks for what adapts by gradients, plain for what only embeds."""
