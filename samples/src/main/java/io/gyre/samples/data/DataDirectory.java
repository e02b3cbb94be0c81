package io.gyre.samples.data;

import java.nio.file.Files;
import java.nio.file.Path;

/** Finds out which kind of data a directory holds. */
public final class DataDirectory {

    private DataDirectory() {}

    /**
     * Opens MNIST-style IDX files, CIFAR-10 binary files, or a folder of class folders.
     *
     * @param pixels height and width of the images of class folders; the others have their own
     * @throws BadDataException if there is none of them, or the files are damaged
     */
    public static ImageSet open(Path directory, int pixels) {
        if (!Files.exists(directory)) {
            throw new BadDataException("there is no directory " + directory);
        }
        if (!Files.isDirectory(directory)) {
            throw new BadDataException(directory + " is a file, expected the directory that data are in");
        }
        if (IdxImages.areIn(directory)) {
            return IdxImages.open(directory);
        }
        if (Cifar10.isIn(directory)) {
            return Cifar10.open(directory);
        }
        if (ImageFolder.isIn(directory)) {
            return ImageFolder.open(directory, pixels);
        }
        throw new BadDataException(directory + " holds no data that are known here, expected MNIST-style files"
                + " (train-images-idx3-ubyte and its three kin, or images-idx3-ubyte and labels-idx1-ubyte, all perhaps with"
                + " .gz), CIFAR-10 in binary (data_batch_1.bin and its kin), or a folder of images for each class");
    }
}
