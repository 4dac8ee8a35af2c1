"""Solutions of lesson 06, and answers that must be refused."""


def per_hole_pixel(output, image, mask):
    hole = 1 - mask
    return (hole * (output - image).abs()).sum() / (hole.sum() * output.shape[1])


def forgets_the_channels(output, image, mask):
    hole = 1 - mask
    return (hole * (output - image).abs()).sum() / hole.sum()


def takes_the_valid_pixels(output, image, mask): return per_hole_pixel(output, image, 1 - mask)


def takes_the_whole_picture(output, image, mask): return ((1 - mask) * (output - image).abs()).mean()


right = {"6.1": .012, "6.2": per_hole_pixel, "6.3": .2}
wrong = {
    "6.1": [0.3, 120, 360, 0.036, 1.0],
    "6.2": [
        forgets_the_channels, takes_the_valid_pixels, takes_the_whole_picture, lambda o, i, m: o.sum(),
        lambda o, i, m: per_hole_pixel(o**2 - 2 * o * i + i**2, o * 0, m),  # squared
        lambda o, i, m: sum(per_hole_pixel(o[k:k + 1], i[k:k + 1], m[k:k + 1]) for k in range(len(o))) / len(o),
    ],
    "6.3": [0.44, 0.7],
}
