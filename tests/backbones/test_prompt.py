"""What a prompt is made of."""

import torch

from robovlms.backbones.prompt import Layout, Media, square


def media():
    torch.manual_seed(0)
    return Media(torch.randn(6, 4, 8), square(4), (torch.randn(6, 4, 8), torch.randn(6, 4, 8)))


def same(a, b):
    tensors = zip((a.tokens, *a.layers), (b.tokens, *b.layers), strict=True)
    return a.grid == b.grid and all(torch.equal(one, other) for one, other in tensors)


def test_kept_tokens_come_back_with_their_layers():
    assert same(Media.unpack(media().packed(), 2), media())
    plain = Media(media().tokens, square(4))
    assert same(Media.unpack(plain.packed(), 0), plain)


def test_layers_follow_their_images():
    first, second = media().chunk(2)
    assert same(first, media().at(torch.arange(3)))
    assert same(second, media().at(torch.arange(3, 6)))
    assert not same(first, second)


def test_tokens_that_fill_no_square_are_one_row():
    assert square(16) == (1, 4, 4)
    assert square(10) == (1, 1, 10)


def test_a_layout_that_follows_another_counts_its_images_on():
    def layout(image):
        image = torch.tensor(image)
        return Layout(image, image, image, torch.zeros(len(image), 3, dtype=torch.long), (image >= -1)[None])

    assert layout([-1, 0, 0, 1]).then(layout([0, -1, 1])).image.tolist() == [-1, 0, 0, 1, 2, -1, 3]
    assert layout([-1, -1]).then(layout([0, -1])).image.tolist() == [-1, -1, 0, -1]
