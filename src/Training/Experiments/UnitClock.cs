using System.Globalization;
using System.Text;
using DenoiseService.Model;

namespace DenoiseService.Training.Experiments;

/// <summary>How long a training has taken over all its sessions, kept in a small file: seconds of wall clock.</summary>
/// <param name="file">Holds what earlier sessions took; nothing if it is not there.</param>
/// <param name="time">Of this session, which starts now.</param>
internal sealed class UnitClock(string file, TimeProvider time)
{
    /// <summary>Of the file in a training's folder.</summary>
    public const string FileName = "seconds.txt";

    private readonly double _earlier = Read(file);
    private readonly long _started = time.GetTimestamp();

    /// <summary>Of all sessions until now.</summary>
    public double Seconds => _earlier + time.GetElapsedTime(_started).TotalSeconds;

    /// <summary>Writes them down.</summary>
    public void Save() => Write(file, Seconds);

    /// <summary>What is written there; 0 if nothing, or nothing that can be read.</summary>
    public static double Read(string file) => File.Exists(file) && double.TryParse(File.ReadAllText(file), NumberStyles.Float, CultureInfo.InvariantCulture, out double seconds) && seconds is > 0 and < double.PositiveInfinity ? seconds : 0;

    /// <summary>To the tenth of a second.</summary>
    public static void Write(string file, double seconds) => AtomicFile.Write(file, Encoding.ASCII.GetBytes(seconds.ToString("F1", CultureInfo.InvariantCulture)));
}
