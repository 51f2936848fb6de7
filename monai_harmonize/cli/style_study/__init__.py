"""The study of styles: three methods, six extractors, and a U-Net with stylized images in its training."""
